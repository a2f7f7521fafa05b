import type { Tool } from '../../chat/schemas.ts'
import type { Decision } from './decide.ts'
import type { Question } from './question.ts'
import { type Node, saying } from './snapshot.ts'
import { type Ability, argumentsFor, type Known, toolFor } from './tools.ts'
import { type Browsing, offersSeen, pressable, type Visit } from './visits.ts'

const clicksMax = 12
const looksMax = 40
/** How often a page is read again after a press that changed nothing: it may still be loading. */
const patienceLooks = 6
const loadingMs = 200

export interface Errand {
  question: Question
  browsing: Browsing
  tools: readonly Tool[]
}

/** The next step of a visit to the pages the user named, or undefined when all has been seen that can be. */
export function browse(errand: Errand): Decision | undefined {
  const current = errand.browsing.visits.at(-1)
  const more =
    current && (look(current, errand) ?? dismiss(current, errand) ?? uncover(current, errand) ?? press(current, errand))
  return more ?? goOn(errand)
}

function goOn(errand: Errand): Decision | undefined {
  const { urls } = errand.question
  const next = urls.find((url) => !errand.browsing.visits.some((visit) => visit.url === url))
  if (next === undefined) return undefined
  const of = urls.length > 1 ? ` (${urls.indexOf(next) + 1} of ${urls.length})` : ''
  return use('navigate', errand, { url: next }, `Opening ${next}${of}.`)
}

/** Reads the page when it was not read since it opened or changed. */
function look(visit: Visit, errand: Errand): Decision | undefined {
  const isRead = visit.looks.length > 0 && !visit.isStale
  if (isRead || visit.problem !== undefined || visit.looksAsked >= looksMax) return undefined
  return use(
    'snapshot',
    errand,
    { url: visit.url },
    visit.looks.length > 0 ? 'Reading the page again.' : 'Reading the page.',
  )
}

/** The button that hides offers, if the page shows one. */
export const moreButton = (visit: Visit) => pressable(visit).find((node) => showMore.test(saying(node).trim()))

const consent = /\b(cookies?|consent|privacy)\b/i
const refuse =
  /\b(reject|decline|refuse|deny|only (necessary|essential)|(necessary|essential) only|no,? thanks|continue without)\b/i
const agree = /\b(accept|agree|allow|ok|okay|got it|understood|close|dismiss)\b/i
const showMore =
  /^(show|load|see|view|display)\b.{0,30}\b(more|all|rest)\b|^more (products|results|items|offers)\b|^next( page)?\b/i

/** Puts a consent dialog away where it lets itself be refused: it stands before the page. */
function dismiss(visit: Visit, errand: Errand): Decision | undefined {
  const way = pressable(visit).find((node) => refuse.test(saying(node)) && isInConsent(node, /^(alert)?dialog$/))
  return way && !wasPressed(visit, way) ? clickOn(way, visit, errand) : undefined
}

/** Opens what hides offers: "show more", as long as it brings something; a consent notice in its way is put away first. */
function uncover(visit: Visit, errand: Errand): Decision | undefined {
  const more = moreButton(visit)
  if (!more || !asksForOffers(errand.question)) return undefined
  const notice = pressable(visit).filter((node) => isInConsent(node, /^((alert)?dialog|region|banner|complementary)$/))
  const way = notice.find((node) => refuse.test(saying(node))) ?? notice.find((node) => agree.test(saying(node)))
  if (way && !wasPressed(visit, way)) return clickOn(way, visit, errand)
  const hasGrown = offersSeen(visit).length > visit.offersAtClick
  if (!wasPressed(visit, more) || hasGrown) return clickOn(more, visit, errand)
  if (visit.looksSinceClick >= patienceLooks) return undefined
  if (!visit.hasWaited) {
    const pause = use('wait', errand, { isWait: true }, 'The page is still loading.')
    if (pause) return pause
  }
  const again = use('snapshot', errand, { url: visit.url }, 'The page is still loading; reading it again.')
  return again && { ...again, pauseMs: loadingMs }
}

const offerWants = ['cheapest', 'dearest', 'price', 'compare', 'list', 'count', 'sum', 'average'] as const
const asksForOffers = ({ wants }: Question) => offerWants.some((want) => wants.has(want))

const wasPressed = (visit: Visit, node: Node) =>
  visit.clicks.some((clicked) => clicked.split(/[ =]/).includes(node.ref ?? ''))

function isInConsent(node: Node, roles: RegExp): boolean {
  for (let at = node.parent; at; at = at.parent) if (roles.test(at.role) && consent.test(deepText(at))) return true
  return false
}

const deepText = (node: Node): string => [saying(node), ...node.children.map(deepText)].join(' ').slice(0, 2000)

const wish =
  /\b(?:click|press|tap)\b(?: on)?(?: the)?\s+["“'‘]?([\p{L}\p{N} ]{2,40}?)["”'’]?\s*(?:button|link|$|[.,;]|\bon\b|\band\b)/iu

/** Presses what the user asked to have pressed: `click "Reserve"`. */
function press(visit: Visit, errand: Errand): Decision | undefined {
  const wished = wish.exec(errand.question.text)?.[1]?.trim().toLowerCase()
  if (wished === undefined || visit.clicks.length > 1) return undefined
  const named = (fits: (name: string) => boolean) =>
    pressable(visit).find((one) => fits(saying(one).trim().toLowerCase()))
  const node = named((name) => name === wished) ?? named((name) => name.includes(wished))
  return node && !wasPressed(visit, node) ? clickOn(node, visit, errand) : undefined
}

function clickOn(node: Node, visit: Visit, errand: Errand): Decision | undefined {
  if (visit.isStale || visit.clicks.length >= clicksMax) return undefined
  const element = saying(node).trim()
  const known = { element, action: 'click' as const, ...(node.ref !== undefined && { ref: node.ref }) }
  return use('click', errand, known, `Pressing “${element}”.`)
}

function use(ability: Ability, errand: Errand, known: Omit<Known, 'memory'>, say: string): Decision | undefined {
  const tool = toolFor(ability, errand.tools)
  const filled = tool && argumentsFor(tool, { ...known, memory: errand.browsing.memory })
  return filled && { say, call: { name: tool.function.name, arguments: filled }, facts: {} }
}
