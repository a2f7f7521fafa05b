import { answerFromText } from './answer-text.ts'
import { moreButton } from './browse.ts'
import type { Decision } from './decide.ts'
import { moneyText } from './money.ts'
import type { Offer } from './offers.ts'
import { overlap, type Question, stem, wordsIn } from './question.ts'
import { saying, walk } from './snapshot.ts'
import { offersSeen, type Visit } from './visits.ts'

interface Found {
  visit: Visit
  offers: Offer[]
}

type Hit = Offer & { url: string; page: string }

/** Answers from the pages that were read; says what could not be read. */
export function answerFromPages(question: Question, visits: readonly Visit[]): Decision {
  const parts = question.wants
  const elements = (['links', 'buttons', 'headings'] as const).find((want) => parts.has(want))
  if (elements && !parts.has('price') && !parts.has('cheapest')) return elementsOf(elements, visits)

  const found = visits.map((visit) => ({ visit, offers: onSubject(question, visit) }))
  const hits = found.flatMap(({ visit, offers }) =>
    offers.map((offer): Hit => ({ ...offer, url: visit.url, page: visit.looks.at(-1)?.title ?? '' })),
  )
  const asksForOffers = ['cheapest', 'dearest', 'price', 'compare', 'sum', 'average'].some((want) =>
    parts.has(want as never),
  )
  if (
    hits.length === 0 ||
    (!asksForOffers && question.subjects.length > 0 && !parts.has('list') && !parts.has('count'))
  ) {
    return fromWords(question, found, asksForOffers)
  }
  const lead = leadOf(question, hits)
  const say = [lead.text, table(hits), ...remarks(found, asksForOffers)].filter((part) => part !== '').join('\n\n')
  return { say, facts: { ...lead.facts, answer: lead.text, count: hits.length, items: hits.map(factsOf) } }
}

/** The page's offers that the question is about: by their own name, or all of them on a page that is about nothing else. */
function onSubject(question: Question, visit: Visit): Offer[] {
  const offers = offersSeen(visit)
  const { subjects } = question
  if (subjects.length === 0) return offers
  const named = offers.filter(({ name }) => overlap(name, subjects) > 0)
  if (named.length > 0) return named
  const headings = visit.looks
    .flatMap(({ page }) => (page ? [...walk(page)] : []))
    .filter(({ role }) => role === 'heading')
  const about = [visit.looks.at(-1)?.title ?? '', ...headings.map(({ name }) => name)].join(' ')
  return overlap(about, subjects) > 0 ? offers : []
}

const factsOf = ({ name, price, url, page, isSoldOut }: Hit) => ({
  name,
  price: price.minor / 100,
  currency: price.currency,
  price_text: price.text,
  url,
  page,
  sold_out: isSoldOut,
})

const where = ({ page, url }: Hit) => (page === '' ? url : `“${page}” (${url})`)

function leadOf(question: Question, hits: Hit[]): { text: string; facts: Record<string, unknown> } {
  const { wants } = question
  const buyable = hits.filter(({ isSoldOut }) => !isSoldOut)
  const pool = buyable.length > 0 ? buyable : hits
  const currencies = [...new Set(pool.map(({ price }) => price.currency))]
  if (wants.has('sum') || wants.has('average')) return added(wants.has('average'), pool, currencies)
  if (wants.has('count') && !wants.has('cheapest')) {
    return { text: `I count ${hits.length}.`, facts: { count: hits.length } }
  }
  const isDearest = wants.has('dearest')
  if (!isDearest && !wants.has('cheapest') && !wants.has('compare')) {
    const text = hits.map((hit) => `${hit.name}: ${hit.price.text}`).join('; ')
    return { text: `${text}.`, facts: hits[0] ? factsOf(hits[0]) : {} }
  }
  const subject = subjectWords(question, pool)
  const word = isDearest ? 'most expensive' : 'cheapest'
  const best = currencies.map((currency) =>
    extreme(
      pool.filter(({ price }) => price.currency === currency),
      isDearest,
    ),
  )
  const first = best[0]
  if (best.length === 1 && first) {
    const ties = pool.filter(({ price }) => price.minor === first.price.minor)
    const names = ties.map((hit) => `${hit.name} at ${hit.price.text} on ${where(hit)}`).join(' and ')
    return { text: `The ${word} ${subject} is ${names}.`, facts: factsOf(first) }
  }
  const each = best.map((hit) => `in ${hit.price.currency} it is ${hit.name} at ${hit.price.text} on ${where(hit)}`)
  const text = `The prices are in different currencies and I have no exchange rate, so there is no single ${word} ${subject}: ${each.join('; ')}.`
  return { text, facts: first ? factsOf(first) : {} }
}

function extreme(hits: Hit[], isDearest: boolean): Hit {
  return hits.reduce((best, hit) => {
    const isBetter = isDearest ? hit.price.minor > best.price.minor : hit.price.minor < best.price.minor
    return isBetter ? hit : best
  })
}

function added(isAverage: boolean, hits: Hit[], currencies: string[]) {
  const sums = currencies.map((currency) => {
    const own = hits.filter(({ price }) => price.currency === currency)
    const minor = own.reduce((sum, { price }) => sum + price.minor, 0)
    return { currency, minor: isAverage ? Math.round(minor / own.length) : minor }
  })
  const amounts = sums.map(({ minor, currency }) => moneyText(minor, currency)).join(' and ')
  const text = `The ${isAverage ? 'average' : 'sum'} of the ${hits.length} prices is ${amounts}.`
  const value = (sums[0]?.minor ?? 0) / 100
  return { text, facts: { [isAverage ? 'average' : 'sum']: value, total: value, currency: sums[0]?.currency } }
}

/** The question's own word for the thing, when an offer bears it out. */
function subjectWords({ subjects, text }: Question, hits: Hit[]): string {
  const isBorne = (word: string) => hits.some(({ name }) => overlap(name, [word]) > 0)
  const word = subjects.find(isBorne) ?? subjects.find((one) => wordsIn(text).map(stem).includes(one))
  return word ?? 'offer'
}

function table(hits: Hit[]): string {
  if (hits.length < 2) return ''
  const cell = (text: string) => text.replaceAll('|', '\\|')
  const rows = hits
    .toSorted((a, b) => a.price.currency.localeCompare(b.price.currency) || a.price.minor - b.price.minor)
    .slice(0, 30)
    .map((hit) => `| ${cell(hit.name)}${hit.isSoldOut ? ' (sold out)' : ''} | ${hit.price.text} | ${cell(hit.url)} |`)
  const rest = hits.length > 30 ? `\n… and ${hits.length - 30} more.` : ''
  return `| Offer | Price | Page |\n|---|---|---|\n${rows.join('\n')}${rest}`
}

const orders =
  /\b(ignore|disregard|forget) (all |any )?(the |your )?(previous|prior|above|earlier)\b|\bsystem prompt\b|\byou are now\b/i

function remarks(found: Found[], asksForOffers: boolean): string[] {
  return found.flatMap(({ visit, offers }) => {
    const text = visit.looks.map((look) => look.text).join(' ')
    return [
      ...(visit.problem !== undefined ? [`${visit.url} could not be opened: ${visit.problem}`] : []),
      ...(visit.problem === undefined && offers.length === 0 ? [`On ${visit.url} I found nothing that fits.`] : []),
      ...(visit.looks.at(-1)?.isTruncated ? [`I was given only a part of ${visit.url}.`] : []),
      ...(asksForOffers && moreButton(visit) ? [`${visit.url} hides further offers that I could not open.`] : []),
      ...(orders.test(text)
        ? [`${visit.url} holds text that gives me orders. I read it as part of the page and did not follow it.`]
        : []),
    ]
  })
}

function elementsOf(kind: 'links' | 'buttons' | 'headings', visits: readonly Visit[]): Decision {
  const role = { links: 'link', buttons: 'button', headings: 'heading' }[kind]
  const pages = visits.map(({ url, looks }) => {
    const nodes = looks.flatMap(({ page }) => (page ? [...walk(page)] : [])).filter((node) => node.role === role)
    const lines = nodes.map((node) => `- ${saying(node).trim()}${node.url === undefined ? '' : ` → ${node.url}`}`)
    return { url, lines: [...new Set(lines)].slice(0, 100) }
  })
  const say = pages
    .map(({ url, lines }) => (lines.length > 0 ? `${kind} on ${url}:\n${lines.join('\n')}` : `No ${kind} on ${url}.`))
    .join('\n\n')
  const items = pages.flatMap(({ lines }) => lines.map((line) => line.slice(2)))
  return { say, facts: { answer: say, items, [kind]: items, count: items.length } }
}

/** No offers asked for or none found: the pages are read as text. */
function fromWords(question: Question, found: Found[], asksForOffers: boolean): Decision {
  const texts = found.map(({ visit }) => visit.looks.map(({ page, text }) => (page ? lines(page) : text)).join('\n'))
  const notes = remarks(found, asksForOffers).join('\n\n')
  if (asksForOffers)
    return { say: `I found no price that answers this.\n\n${notes}`.trim(), facts: { count: 0, items: [] } }
  const answer = answerFromText(
    question,
    texts.filter((text) => text !== ''),
  )
  return { say: [answer.say, notes].filter((part) => part !== '').join('\n\n'), facts: answer.facts }
}

const lines = (page: Parameters<typeof walk>[0]) =>
  [...walk(page)]
    .map(saying)
    .filter((text) => text !== '')
    .join('\n')
