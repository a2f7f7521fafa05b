import { type Money, moneyIn } from './money.ts'
import { type Node, saying, walk } from './snapshot.ts'

/** A thing with its price, as a page shows them together. */
export interface Offer {
  name: string
  price: Money
  isSoldOut: boolean
}

/**
 * The offers of a page, whatever its layout: cards, tables, definition lists, flat rows of headings and prices. A price
 * belongs to the strongest name in the smallest part of the page that holds this price and no other; where prices share
 * a part, to the name between it and the price before.
 */
export function offersOf(page: Node): Offer[] {
  const order = [...walk(page)]
  const place = new Map(order.map((node, at) => [node, at]))
  const priced = pricesOf(order)
  const within = countWithin(priced)
  const offers: Offer[] = []
  for (const [at, { node, money }] of priced.entries()) {
    const found = nameWithin(node, within) ?? nameBetween({ at, priced, order, place })
    if (!found) continue
    const offer = { name: found.name, price: money, isSoldOut: soldOut.test(textOf(found.part)) }
    const isKnown = offers.some(({ name, price }) => name === offer.name && price.minor === money.minor)
    if (!isKnown) offers.push(offer)
  }
  return offers
}

interface Priced {
  node: Node
  money: Money
}

/** More prices of one page are not read. */
const pricesMax = 1_000
const textCharsMax = 400

const soldOut = /\b(sold out|out of stock|unavailable|ausverkauft|épuisé)\b/i
const notThePrice =
  /\b(was|were|rrp|uvp|statt|before|previously|instead of|list price|save|saving|discount|off|voucher|deposit|delivery|shipping|postage|versand|orders?|free from|over|above|subtotal|total|basket|cart)\b[^\d]{0,24}$/i
const notThePriceAfter =
  /^\s*(off|discount|delivery|shipping|postage|versand|voucher|per\b|\/|(a|each) (litre|liter|kilo|month))/i

/** The prices to pay: not struck through, no former price, discount, delivery or price per litre. */
function pricesOf(order: Node[]): Priced[] {
  const found: Priced[] = []
  for (const node of order) {
    if (isWithin(node, 'deletion')) continue
    const text = saying(node)
    const prices = moneyIn(text.slice(0, textCharsMax)).filter(
      ({ at, text: written }) =>
        !notThePrice.test(text.slice(Math.max(0, at - 80), at)) &&
        !notThePriceAfter.test(text.slice(at + written.length, at + written.length + 40)),
    )
    if (prices.length === 0) continue
    // A link or row repeats in its name what the elements in it say.
    const inside = new Set(node.children.flatMap((child) => moneyIn(textOf(child)).map(({ minor }) => minor)))
    const money = prices.find(({ minor }) => !inside.has(minor))
    if (money) found.push({ node, money })
  }
  const shown = found.filter(({ node }) => node.role !== 'button')
  return (shown.length > 0 ? shown : found).slice(0, pricesMax)
}

function isWithin(node: Node, role: string): boolean {
  for (let at: Node | undefined = node; at; at = at.parent) if (at.role === role) return true
  return false
}

/** How many prices lie in each part of the page. */
function countWithin(priced: Priced[]): Map<Node, number> {
  const counts = new Map<Node, number>()
  for (const { node } of priced) {
    for (let part: Node | undefined = node; part; part = part.parent) counts.set(part, (counts.get(part) ?? 0) + 1)
  }
  return counts
}

function nameWithin(node: Node, counts: Map<Node, number>): { name: string; part: Node } | undefined {
  let weak: { name: string; part: Node } | undefined
  for (let part: Node | undefined = node; part; part = part.parent) {
    if ((counts.get(part) ?? 0) > 1) break
    const nodes = [...walk(part)]
    const here = nodes.indexOf(node) + 1
    const before = strongest(nodes.slice(0, here))
    const best = before && before.strength >= 3 ? before : (strongest(nodes.slice(here)) ?? before)
    if (best && best.strength >= 3) return { name: best.name, part }
    if (best) weak ??= { name: best.name, part }
  }
  return weak
}

interface Between {
  at: number
  priced: Priced[]
  order: Node[]
  place: Map<Node, number>
}

/** For prices side by side in one part: the name before the price, or after it where the first price has none before. */
function nameBetween({ at, priced, order, place }: Between): { name: string; part: Node } | undefined {
  const here = placeOf(at)
  function placeOf(index: number): number {
    const entry = priced[index]
    return entry ? (place.get(entry.node) ?? 0) : index < 0 ? -1 : order.length
  }
  const segment = order.slice(placeOf(at - 1) + 1, here + 1)
  const best = strongest(segment) ?? strongest(order.slice(here + 1, placeOf(at + 1)))
  const node = priced[at]?.node
  return best && node ? { name: best.name, part: node } : undefined
}

const strengths: Record<string, number> = {
  heading: 6,
  rowheader: 6,
  term: 5,
  link: 4,
  cell: 3,
  gridcell: 3,
  img: 3,
  strong: 3,
  emphasis: 3,
}
const silent = new Set([
  'button',
  'row',
  'rowgroup',
  'table',
  'columnheader',
  'navigation',
  'textbox',
  'searchbox',
  'option',
])
const noName =
  /^(home|shop|details?|more( info)?|view|buy( now)?|add to (basket|cart|bag)|reserve|compare|in stock|sold out|out of stock|new|sale|offer|price|now|only|from|product|free delivery|incl.*|inc\.? vat.*|vat.*)$/i

function strongest(nodes: Node[]): { name: string; strength: number } | undefined {
  let best: { name: string; strength: number } | undefined
  for (const node of nodes) {
    if (silent.has(node.role) || isWithin(node, 'navigation')) continue
    const said = saying(node)
    if (said.length > textCharsMax) continue
    const name = withoutPrices(said)
    if ((name.match(/\p{L}/gu)?.length ?? 0) < 3 || name.length > 160 || noName.test(name)) continue
    // Whole sentences describe; they name nothing.
    if (/[.!?]\s+\p{Lu}/u.test(name)) continue
    const strength = strengths[node.role] ?? 2
    // Of headings the nearest before the price names it, of anything else the first.
    const isBetter = !best || strength > best.strength || (strength === best.strength && node.role === 'heading')
    if (isBetter) best = { name, strength }
  }
  return best
}

/** The words around the prices of a text: those before the first one if they are any, else what is left. */
function withoutPrices(text: string): string {
  const prices = moneyIn(text)
  const first = prices[0]
  const before = first ? text.slice(0, first.at) : text
  let rest = (before.match(/\p{L}/gu)?.length ?? 0) >= 3 ? before : text
  for (const { text: written } of prices) rest = rest.replace(written, ' ')
  return rest
    .replace(/\s+/g, ' ')
    .replace(/^[\s,:;·|–—-]+|(\b(now|only|from|for|at))?[\s,:;·|–—-]*$/gi, '')
    .trim()
}

const textOf = (node: Node): string => [saying(node), ...node.children.map(textOf)].join(' ')
