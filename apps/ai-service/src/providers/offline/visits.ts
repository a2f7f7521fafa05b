import type { Tool } from '../../chat/schemas.ts'
import { namedTexts, type Step } from './conversation.ts'
import { type Offer, offersOf } from './offers.ts'
import { type Node, readSnapshot, walk, wholeText } from './snapshot.ts'
import { type Ability, plainKey, toolFor } from './tools.ts'

/** One look at a page. */
export interface Look {
  title: string
  text: string
  /** Absent when the tool gave plain text. */
  page?: Node
  offers: Offer[]
  /** The tool said that it left something out. */
  isTruncated: boolean
}

/** What the conversation shows about one address: how often it was looked at, what was clicked, what went wrong. */
export interface Visit {
  url: string
  looks: Look[]
  clicks: string[]
  /** Something was clicked since the last look. */
  isStale: boolean
  looksAsked: number
  /** Since the last click: how often it was looked at, whether it was given time, and how many offers were known then. */
  looksSinceClick: number
  hasWaited: boolean
  offersAtClick: number
  problem?: string
}

export interface Browsing {
  visits: Visit[]
  /** Results of tools that are not about pages. */
  others: Step[]
  memory: Map<string, string>
}

/** Reads the steps of a conversation as visits to pages. */
export function readVisits(steps: readonly Step[], tools: readonly Tool[]): Browsing {
  const nameOf = (ability: Ability) => toolFor(ability, tools)?.function.name
  const [navigate, snapshot, click, wait] = [nameOf('navigate'), nameOf('snapshot'), nameOf('click'), nameOf('wait')]
  const browsing: Browsing = { visits: [], others: [], memory: new Map() }
  for (const step of steps) {
    const url = Object.values(step.arguments).find((value) => /^https?:\/\//.test(String(value)))
    const current = browsing.visits.at(-1)
    const look = readLook(step.result)
    if (step.name === navigate && typeof url === 'string') {
      browsing.visits.push(arrival(url, step, look))
    } else if (current && step.name === click) {
      current.clicks.push(clickedElement(step))
      Object.assign(current, { isStale: true, looksSinceClick: 0, hasWaited: false })
      current.offersAtClick = offersSeen(current).length
      see(current, look)
    } else if (current && step.name === wait) {
      Object.assign(current, { isStale: true, hasWaited: true })
      see(current, look)
    } else if (current && (step.name === snapshot || look)) {
      current.looksAsked++
      see(current, look ?? plainLook(step.result))
    } else browsing.others.push(step)
    remember(browsing.memory, step.result)
  }
  return browsing
}

const fresh = { isStale: false, looksAsked: 0, looksSinceClick: 0, hasWaited: false, offersAtClick: 0 }

function arrival(url: string, { result }: Step, look: Look | undefined): Visit {
  const visit: Visit = { url, looks: [], clicks: [], ...fresh }
  const problem = problemIn(result)
  if (problem !== undefined && !look) visit.problem = problem
  see(visit, look)
  return visit
}

function see(visit: Visit, look: Look | undefined) {
  if (!look) return
  visit.looks.push(look)
  visit.looksSinceClick++
  visit.isStale = false
}

const clickedElement = (step: Step) =>
  Object.values(step.arguments)
    .filter((value) => typeof value === 'string')
    .join(' ')

function readLook(result: string): Look | undefined {
  const texts = namedTexts(result)
  for (const { text } of texts) {
    const page = readSnapshot(text)
    if (!page) continue
    const heading = [...walk(page)].find(({ role }) => role === 'heading')?.name
    const named = texts.find(({ key }) => /^(page_?)?title$/i.test(key))?.text
    const written = /^\s*-?\s*Page Title:\s*(.+)$/im.exec(text)?.[1]
    const isTruncated = texts.some(({ key, text: said }) => /^(is_?)?truncated$/i.test(key) && said === 'true')
    return {
      title: named || written || heading || '',
      text: wholeText(page),
      page,
      offers: offersOf(page),
      isTruncated,
    }
  }
  return undefined
}

function plainLook(result: string): Look | undefined {
  const texts = namedTexts(result)
  const longest = texts.reduce((best, { text }) => (text.length > best.length ? text : best), '')
  if (longest.trim() === '' || problemIn(result) !== undefined) return undefined
  return { title: texts.find(({ key }) => key === 'title')?.text ?? '', text: longest, offers: [], isTruncated: false }
}

/** What a failed call says about itself. */
function problemIn(result: string): string | undefined {
  const texts = namedTexts(result)
  const named = texts.find(
    ({ key }) => /^(error|detail|message|problem)$/i.test(key) && /"(error|status|code)"/.test(result),
  )
  if (named) return named.text.slice(0, 200)
  const first = texts[0]?.text ?? ''
  return /^\s*(error|failed|cannot|could not|timeout|[^.:\n]{0,30}\b(did not work|failed|not be opened))\b/i.test(first)
    ? first.trim().slice(0, 200)
    : undefined
}

/** Short named values of a result: the ids a next call may need. */
function remember(memory: Map<string, string>, result: string) {
  for (const { key, text } of namedTexts(result)) {
    if (key !== '' && text.length <= 200) memory.set(plainKey(key), text)
  }
}

/** All offers seen during a visit, over all its looks. */
export function offersSeen({ looks }: Visit): Offer[] {
  const offers: Offer[] = []
  for (const { page } of looks) {
    for (const offer of page ? offersOf(page) : []) {
      if (!offers.some(({ name, price }) => name === offer.name && price.minor === offer.price.minor))
        offers.push(offer)
    }
  }
  return offers
}

/** The elements of the last look that can be pressed. */
export function pressable({ looks }: Visit): Node[] {
  const page = looks.at(-1)?.page
  return page
    ? [...walk(page)].filter(({ role, ref }) => ref !== undefined && /^(button|link|menuitem|tab)$/.test(role))
    : []
}
