/** What is being asked, as far as words show it. */
export interface Question {
  text: string
  /** Addresses the user named, in order, once each. */
  urls: string[]
  /** What the question is about: its words without the asking ones, in their stem. */
  subjects: string[]
  wants: Set<Want>
}

export type Want =
  | 'cheapest'
  | 'dearest'
  | 'price'
  | 'compare'
  | 'sum'
  | 'average'
  | 'count'
  | 'maximum'
  | 'minimum'
  | 'list'
  | 'links'
  | 'buttons'
  | 'headings'
  | 'emails'
  | 'dates'
  | 'numbers'
  | 'summary'

const signs: Record<Want, RegExp> = {
  cheapest: /\b(cheap\w*|lowest[- ]price\w*|least expensive|best price|costs? (the )?least|lowest cost)\b/i,
  dearest: /\b(most expensive|highest[- ]price\w*|dearest|priciest|costs? (the )?most)\b/i,
  price: /\b(prices?|costs?|how much|priced)\b/i,
  compare: /\b(compare|comparison|versus|vs|differences?)\b/i,
  sum: /\b(sum|total|add up|altogether|in all)\b/i,
  average: /\b(average|mean)\b/i,
  count: /\b(how many|count|number of)\b/i,
  maximum: /\b(largest|biggest|highest|maximum|max|most)\b/i,
  minimum: /\b(smallest|lowest|minimum|min|least)\b/i,
  list: /\b(list|which|show|name all|enumerate|bullet)\b/i,
  links: /\b(links?|urls?|addresses)\b/i,
  buttons: /\bbuttons?\b/i,
  headings: /\b(headings?|titles?|headlines?)\b/i,
  emails: /\be-?mails?( addresses)?\b/i,
  dates: /\bdates?\b/i,
  numbers: /\bnumbers\b|\bextract .*\bnumber/i,
  summary: /\b(summar\w+|tl;?dr|in short|gist|main points?)\b/i,
}

const askingWords = new Set(
  `a an and any are as at be been but by can could did do does find for from get give has have hello here how i if in into
  is it its look made make many may me more most much my name names need of on one only open or our out page pages please read say see
  shop shops should show site sites so some store stores tell text than that the their them then there these they thing this those three to
  two up us use visit was website were what when where which who why will with would you your answer question following compare
  comparison cheap cheapest cheaper price prices priced cost costs lowest highest least expensive best list count number total
  sum average mean all each every go look buy product products item items offer offers url urls link links summarise summarize
  summary hi also versus between across found browser using tool tools press click button buttons heading headings title titles
  extract add altogether largest biggest smallest maximum minimum dearest priciest webpage webpages four five first second last`
    .split(/\s+/)
    .filter((word) => word !== ''),
)

export function readQuestion(text: string): Question {
  const urls = [...new Set(urlsIn(text))]
  const bare = text.replace(address, ' ')
  const wants = new Set((Object.keys(signs) as Want[]).filter((want) => signs[want].test(bare)))
  const subjects = [
    ...new Set(
      wordsIn(bare)
        .filter((word) => !askingWords.has(word))
        .map(stem),
    ),
  ]
  return { text, urls, subjects, wants }
}

const address = /\bhttps?:\/\/[^\s<>"'`)\]}|]+/gi

/** The web addresses in a text, without the punctuation of the sentence around them. */
export const urlsIn = (text: string) => (text.match(address) ?? []).map((url) => url.replace(/[.,;:!?*]+$/, ''))

/** Words of at least three letters or digits, in lower case. */
export const wordsIn = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'’-]{2,}/gu) ?? []

/** A word without the endings English puts on it: kettles, kettle's → kettle. */
export function stem(word: string): string {
  const bare = word.replace(/['’]s?$/, '')
  if (/(ss|us|is)$/.test(bare) || bare.length < 4) return bare
  if (bare.endsWith('ies') && bare.length > 4) return `${bare.slice(0, -3)}y`
  if (/(ch|sh|x|z|ss)es$/.test(bare)) return bare.slice(0, -2)
  return bare.endsWith('s') ? bare.slice(0, -1) : bare
}

/** How many of the subjects a text speaks of. */
export function overlap(text: string, subjects: string[]): number {
  const words = new Set(wordsIn(text).map(stem))
  return subjects.filter((subject) => words.has(subject)).length
}
