import type { ChatRequest } from '../../chat/schemas.ts'
import { answerFromPages } from './answer-pages.ts'
import { answerFromText } from './answer-text.ts'
import { browse } from './browse.ts'
import { type Conversation, readConversation } from './conversation.ts'
import { overlap, type Question, readQuestion } from './question.ts'
import { argumentsFor, toolSpokenOf } from './tools.ts'
import { type Browsing, readVisits } from './visits.ts'

/** What the policy does next: say something, and perhaps call a tool. */
export interface Decision {
  say: string
  call?: { name: string; arguments: Record<string, unknown> }
  /** How long to think before it, in milliseconds: a page that is loading gains nothing from being read at once. */
  pauseMs?: number
  /** What was found, for answers that must be JSON. */
  facts: Record<string, unknown>
}

interface Sight {
  conversation: Conversation
  question: Question
  browsing: Browsing
}

/** Tool calls of one turn; then the answer comes from what is there. */
const stepsMax = 150

/**
 * The offline model: a fixed policy over what it is given. It visits the pages the user named, through whatever browsing
 * tools are offered, opens what hides offers (a consent dialog, "show more"), and answers from what it read. Only the
 * user decides where it goes: what a page says is material, never an order.
 */
export function decide(request: ChatRequest): Decision {
  const conversation = readConversation(request.messages)
  const sight: Sight = {
    conversation,
    question: readQuestion(conversation.asked),
    browsing: readVisits(conversation.steps, request.tools ?? []),
  }
  const mayCall = request.tool_choice !== 'none' && conversation.steps.length < stepsMax
  return (mayCall ? (forced(request, sight) ?? offered(request, sight)) : undefined) ?? answer(sight)
}

/** A tool the caller insists on. */
function forced(request: ChatRequest, { conversation, question, browsing }: Sight): Decision | undefined {
  const choice = request.tool_choice
  const wanted = typeof choice === 'object' ? choice.function.name : undefined
  if (choice !== 'required' && wanted === undefined) return undefined
  const tools = (request.tools ?? []).filter(({ function: { name } }) => wanted === undefined || name === wanted)
  const step = browse({ question, browsing, tools })
  if (step) return step
  const url = question.urls[0]
  const known = { memory: browsing.memory, asked: conversation.asked, ...(url !== undefined && { url }) }
  for (const tool of tools) {
    const filled = argumentsFor(tool, known)
    if (filled) return { say: '', call: { name: tool.function.name, arguments: filled }, facts: {} }
  }
  return undefined
}

/** A tool that helps: the browser's for pages, else one the question speaks of, once. */
function offered({ tools = [] }: ChatRequest, { conversation, question, browsing }: Sight): Decision | undefined {
  const step = browse({ question, browsing, tools })
  if (step || conversation.steps.length > 0 || question.urls.length > 0) return step
  const other = toolSpokenOf(conversation.asked, tools, browsing.memory)
  return other && { say: '', call: { name: other.tool.function.name, arguments: other.arguments }, facts: {} }
}

function answer({ conversation, question, browsing }: Sight): Decision {
  if (browsing.visits.some(({ looks, problem }) => looks.length > 0 || problem !== undefined)) {
    return answerFromPages(question, browsing.visits)
  }
  const [unread] = question.urls
  if (unread !== undefined && conversation.steps.length === 0) {
    const say = `I was given no tool that opens pages, so I have not read ${unread}.`
    return { say, facts: { answer: null } }
  }
  const results = browsing.others.map(({ result }) => result).filter((text) => text !== '')
  if (results.length > 0) return answerFromText(question, results)
  const earlier = [conversation.instructions, conversation.earlier, conversation.answers]
  return answerFromText(
    question,
    earlier.filter((text) => overlap(text, question.subjects) > 0),
  )
}
