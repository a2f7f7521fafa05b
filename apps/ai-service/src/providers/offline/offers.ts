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
  const offers: Offer[] = []
  for (const [at, { node, money }] of priced.entries()) {
    const found = nameWithin(node, priced) ?? nameBetween({ at, priced, order, place })
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

const soldOut = /\b(sold out|out of stock|unavailable|ausverkauft|épuisé)\b/i
const notThePrice =
  /\b(was|were|rrp|uvp|statt|before|previously|instead of|list price|save|saving|discount|off|voucher|deposit|delivery|shipping|postage|versand|orders?|over|above|subtotal|total|basket|cart)\b[^\d]{0,24}$/i
const notThePriceAfter =
  /^\s*(off|discount|delivery|shipping|postage|versand|voucher|per\b|\/|(a|each) (litre|liter|kilo|month))/i

/** The prices to pay: not struck through, no former price, discount, delivery or price per litre. */
function pricesOf(order: Node[]): Priced[] {
  const found: Priced[] = []
  for (const node of order) {
    if (isWithin(node, 'deletion')) continue
    const text = saying(node)
    const prices = moneyIn(text).filter(
      ({ at, text: written }) =>
        !notThePrice.test(text.slice(0, at)) && !notThePriceAfter.test(text.slice(at + written.length)),
    )
    // A link or row repeats in its name what the elements in it say.
    const inside = new Set(node.children.flatMap((child) => moneyIn(textOf(child)).map(({ minor }) => minor)))
    const money = prices.find(({ minor }) => !inside.has(minor))
    if (money) found.push({ node, money })
  }
  const shown = found.filter(({ node }) => node.role !== 'button')
  return shown.length > 0 ? shown : found
}

function isWithin(node: Node, role: string): boolean {
  for (let at: Node | undefined = node; at; at = at.parent) if (at.role === role) return true
  return false
}

const contains = (part: Node, node: Node) => {
  for (let at: Node | undefined = node; at; at = at.parent) if (at === part) return true
  return false
}

function nameWithin(node: Node, priced: Priced[]): { name: string; part: Node } | undefined {
  let weak: { name: string; part: Node } | undefined
  for (let part: Node | undefined = node; part; part = part.parent) {
    const within = part
    if (priced.some((other) => other.node !== node && contains(within, other.node))) break
    const best = strongest([...walk(within)])
    if (best && best.strength >= 3) return { name: best.name, part: within }
    if (best) weak ??= { name: best.name, part: within }
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
    const name = withoutPrices(saying(node))
    if ((name.match(/\p{L}/gu)?.length ?? 0) < 3 || name.length > 160 || noName.test(name)) continue
    const strength = strengths[node.role] ?? 2
    if (!best || strength > best.strength) best = { name, strength }
  }
  return best
}

function withoutPrices(text: string): string {
  let rest = text
  for (const { text: written } of moneyIn(text)) rest = rest.replace(written, ' ')
  return rest
    .replace(/\s+/g, ' ')
    .replace(/^[\s,:;·|–—-]+|[\s,:;·|–—-]+$|\b(now|only|from|for|at)\s*$/gi, '')
    .trim()
}

const textOf = (node: Node): string => [saying(node), ...node.children.map(textOf)].join(' ')
