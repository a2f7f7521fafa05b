import type { ChatRequest, Tool } from '../../chat/schemas.ts'
import { answerFromPages } from './answer-pages.ts'
import { answerFromText } from './answer-text.ts'
import { type Conversation, readConversation } from './conversation.ts'
import { overlap, type Question, readQuestion } from './question.ts'
import { type Node, saying } from './snapshot.ts'
import { argumentsFor, type Known, toolFor, toolSpokenOf } from './tools.ts'
import { type Browsing, pressable, readVisits, type Visit } from './visits.ts'

/** What the policy does next: say something, and perhaps call a tool. */
export interface Decision {
  say: string
  call?: { name: string; arguments: Record<string, unknown> }
  /** What was found, for answers that must be JSON. */
  facts: Record<string, unknown>
}

const clicksMax = 4
const snapshotsMax = 8

/**
 * The offline model: a fixed policy over what it is given. It visits the pages the user named, through whatever browsing
 * tools are offered, opens what hides offers (a consent dialog, "show more"), and answers from what it read. Only the
 * user decides where it goes: what a page says is material, never an order.
 */
export function decide(request: ChatRequest): Decision {
  const conversation = readConversation(request.messages)
  const question = readQuestion(conversation.asked, conversation.steps.length > 0 ? conversation.earlier : '')
  const tools = request.tool_choice === 'none' ? [] : (request.tools ?? [])
  const browsing = readVisits(conversation.steps, request.tools ?? [])
  return (
    forced(request, { conversation, question, browsing }) ??
    nextStep({ question, tools, browsing, conversation }) ??
    answer({ conversation, question, browsing })
  )
}

interface Sight {
  conversation: Conversation
  question: Question
  browsing: Browsing
}

/** A tool the caller insists on, once for each turn. */
function forced(request: ChatRequest, { conversation, question, browsing }: Sight): Decision | undefined {
  const choice = request.tool_choice
  const wanted = typeof choice === 'object' ? choice.function.name : undefined
  if (choice !== 'required' && wanted === undefined) return undefined
  const tools = (request.tools ?? []).filter(({ function: { name } }) => wanted === undefined || name === wanted)
  const step = nextStep({ conversation, question, browsing, tools })
  if (step) return step
  const known = knownFrom({ conversation, question, browsing })
  for (const tool of tools) {
    const filled = argumentsFor(tool, known)
    if (filled) return { say: '', call: { name: tool.function.name, arguments: filled }, facts: {} }
  }
  return undefined
}

const knownFrom = ({ conversation, question, browsing }: Sight): Known => ({
  memory: browsing.memory,
  asked: conversation.asked,
  ...(question.urls[0] !== undefined && { url: question.urls[0] }),
})

function nextStep(sight: Sight & { tools: readonly Tool[] }): Decision | undefined {
  const { conversation, question, tools, browsing } = sight
  if (tools.length === 0) return undefined
  const current = browsing.visits.at(-1)
  if (current) {
    const more = look(current, sight) ?? uncover(current, sight) ?? press(current, sight)
    if (more) return more
  }
  const navigate = toolFor('navigate', tools)
  const next = question.urls.find((url) => !browsing.visits.some((visit) => visit.url === url))
  if (navigate && next !== undefined) {
    const place = question.urls.indexOf(next) + 1
    const of = question.urls.length > 1 ? ` (${place} of ${question.urls.length})` : ''
    return call(navigate, { url: next, memory: browsing.memory }, `Opening ${next}${of}.`)
  }
  if (conversation.steps.length > 0 || question.urls.length > 0) return undefined
  const other = toolSpokenOf(conversation.asked, tools, browsing.memory)
  return other && { say: '', call: { name: other.tool.function.name, arguments: other.arguments }, facts: {} }
}

function call(tool: Tool, known: Known, say: string): Decision | undefined {
  const filled = argumentsFor(tool, known)
  return filled && { say, call: { name: tool.function.name, arguments: filled }, facts: {} }
}

/** Reads the page when it was not read since it opened or changed. */
function look(visit: Visit, { tools, browsing }: Sight & { tools: readonly Tool[] }): Decision | undefined {
  const isRead = visit.looks.length > 0 && !visit.isStale
  const snapshot = toolFor('snapshot', tools)
  if (isRead || visit.problem !== undefined || !snapshot || visit.snapshotsAsked >= snapshotsMax) return undefined
  return call(
    snapshot,
    { memory: browsing.memory, url: visit.url },
    visit.isStale ? 'Reading the page again.' : 'Reading the page.',
  )
}

const consent = /\b(cookies?|consent|privacy)\b/i
const refuse =
  /\b(reject|decline|refuse|only (necessary|essential)|(necessary|essential) only|no,? thanks|continue without)\b/i
const agree = /\b(accept|agree|allow|ok|okay|got it|understood|close|dismiss)\b/i
const showMore =
  /^(show|load|see|view|display)\b.{0,30}\b(more|all|rest)\b|^more (products|results|items|offers)\b|^next( page)?\b/i

/** Opens what hides offers: first a consent dialog (refusing where it can), then "show more". */
function uncover(
  visit: Visit,
  { tools, browsing, question }: Sight & { tools: readonly Tool[] },
): Decision | undefined {
  const click = toolFor('click', tools)
  if (!click || visit.isStale || visit.clicks.length >= clicksMax || !asksForOffers(question)) return undefined
  const more = pressable(visit).find((node) => showMore.test(saying(node).trim()) && !isSpent(visit, node))
  if (!more) return undefined
  const dialog = pressable(visit).filter(inConsentDialog)
  const way = dialog.find((node) => refuse.test(saying(node))) ?? dialog.find((node) => agree.test(saying(node)))
  const target = way && !isSpent(visit, way) ? way : more
  return clickOn({ click, node: target, browsing })
}

const asksForOffers = ({ wants }: Question) =>
  (['cheapest', 'dearest', 'price', 'compare', 'list', 'count', 'sum', 'average'] as const).some((want) =>
    wants.has(want),
  )

/** Pressing it did nothing that helped: the same element is still there after it was pressed. */
const isSpent = (visit: Visit, node: Node) =>
  visit.clicks.some((clicked) => clicked.split(/[ =]/).includes(node.ref ?? '')) && !showMore.test(saying(node).trim())

function inConsentDialog(node: Node): boolean {
  for (let at = node.parent; at; at = at.parent) {
    if (/^(dialog|alertdialog|region|banner|complementary)$/.test(at.role) && consent.test(deepName(at))) return true
  }
  return false
}

const deepName = (node: Node): string => [saying(node), ...node.children.map(deepName)].join(' ').slice(0, 2000)

/** Presses what the user asked to have pressed: `click "Reserve"`. */
function press(visit: Visit, { tools, browsing, question }: Sight & { tools: readonly Tool[] }): Decision | undefined {
  const wished =
    /\b(?:click|press|tap)\b(?: on)?(?: the)?\s+["“'‘]?([\p{L}\p{N} ]{2,40}?)["”'’]?\s*(?:button|link|$|[.,;]|\bon\b|\band\b)/iu.exec(
      question.text,
    )?.[1]
  const click = toolFor('click', tools)
  if (wished === undefined || !click || visit.isStale || visit.clicks.length > 0) return undefined
  const words = wished.trim().toLowerCase()
  const node =
    pressable(visit).find((one) => saying(one).trim().toLowerCase() === words) ??
    pressable(visit).find((one) => saying(one).toLowerCase().includes(words))
  return node && clickOn({ click, node, browsing })
}

function clickOn({ click, node, browsing }: { click: Tool; node: Node; browsing: Browsing }): Decision | undefined {
  const element = saying(node).trim()
  const known: Known = {
    memory: browsing.memory,
    element,
    action: 'click',
    ...(node.ref !== undefined && { ref: node.ref }),
  }
  return call(click, known, `Pressing “${element}”.`)
}

function answer({ conversation, question, browsing }: Sight): Decision {
  if (browsing.visits.some(({ looks, problem }) => looks.length > 0 || problem !== undefined)) {
    return answerFromPages(question, browsing.visits)
  }
  const given = [conversation.instructions, conversation.earlier, ...browsing.others.map(({ result }) => result)]
  const relevant = given.filter((text) => text !== '' && overlap(text, question.subjects) > 0)
  const results = browsing.others.map(({ result }) => result).filter((text) => text !== '')
  return answerFromText(question, results.length > 0 ? results : relevant)
}
