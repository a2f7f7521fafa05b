import { calculate } from './arithmetic.ts'
import type { Decision } from './decide.ts'
import { moneyIn, moneyText } from './money.ts'
import { overlap, type Question, readQuestion, stem, urlsIn, wordsIn } from './question.ts'

const honest =
  'I am the offline model: a fixed policy that reads what it is given, not a language model. I can read web pages through browsing tools, and find, count, add and list what stands in a text. There is nothing here for me to read that answers this.'

/** Answers a question from texts, by finding and counting; what the texts do not hold is not answered. */
export function answerFromText(question: Question, given: readonly string[]): Decision {
  const { ask, material } = apart(question.text)
  const sources = [...given, material].filter((text) => text.trim() !== '')
  const text = sources.join('\n')
  const asked = readQuestion(ask)
  const sum = calculate(ask)
  if (sum !== undefined && text === '')
    return answer(`${sum.expression} = ${sum.value}`, { value: sum.value, result: sum.value })
  return (
    extracted(asked, text === '' ? ask : text) ??
    counted(asked, text) ??
    computed(asked, text === '' ? ask : text) ??
    listed(asked, text) ??
    quoted(asked, text)
  )
}

const answer = (say: string, facts: Record<string, unknown> = {}): Decision => ({
  say,
  facts: { answer: say, ...facts },
})

/** Parts a message into what is asked and what it is asked about. */
function apart(message: string): { ask: string; material: string } {
  const blocks = message.split('\n').map((line) => line.trim())
  if (blocks.filter((line) => line !== '').length > 1) {
    const asks = blocks.map((line) =>
      /\?\s*$|^(please|what|which|who|when|where|how|why|list|count|sum|add|find|extract|summari[sz]e|compare|give|show|tell|is|are|does)\b/i.test(
        line,
      ),
    )
    const at = asks.includes(true) ? asks.indexOf(true) : 0
    return { ask: blocks[at] ?? '', material: blocks.filter((line, index) => index !== at && line !== '').join('\n') }
  }
  const colon = /^([^:\n]{3,120}):\s+(\S[\s\S]*)$/.exec(message.trim())
  if (colon && !/https?$/.test(colon[1] ?? '')) return { ask: colon[1] ?? '', material: colon[2] ?? '' }
  const sentences = sentencesOf(message)
  const last = sentences.at(-1) ?? message
  if (sentences.length > 1 && last.endsWith('?')) return { ask: last, material: sentences.slice(0, -1).join(' ') }
  return { ask: message, material: '' }
}

export const sentencesOf = (text: string) =>
  text
    .split(/(?<=[.!?])\s+(?=[\p{Lu}\p{N}"“])|\n+/u)
    .map((sentence) => sentence.trim())
    .filter((sentence) => sentence !== '')

const patterns = {
  emails: /(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g,
  dates:
    /\b\d{4}-\d{2}-\d{2}\b|\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b|\b\d{1,2}(?:st|nd|rd|th)? (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{4}\b|\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]* \d{1,2},? \d{4}\b/g,
  numbers: /-?\d{1,30}(?:[.,]\d{1,30}){0,10}/g,
} as const

function extracted({ wants }: Question, text: string): Decision | undefined {
  const kind = (['emails', 'dates', 'links', 'numbers'] as const).find((want) => wants.has(want))
  const isArithmetic = wants.has('sum') || wants.has('average') || wants.has('maximum') || wants.has('minimum')
  if (!kind || (kind === 'numbers' && isArithmetic)) return undefined
  const found = [...new Set(kind === 'links' ? urlsIn(text) : (text.match(patterns[kind]) ?? []))]
  if (wants.has('count')) return answer(`${found.length}`, { count: found.length, items: found })
  if (found.length === 0) return answer(`I found no ${kind} in the text.`, { count: 0, items: [] })
  return answer(found.map((one) => `- ${one}`).join('\n'), { items: found, [kind]: found, count: found.length })
}

function counted({ wants, text: ask, subjects }: Question, text: string): Decision | undefined {
  if (!wants.has('count') || text === '') return undefined
  const unit = /\b(words?|lines?|sentences?|characters?|paragraphs?)\b/i.exec(ask)?.[1]?.toLowerCase() ?? ''
  const rows = text.split('\n').filter((line) => line.trim() !== '')
  const count = unit.startsWith('word')
    ? (text.match(/[\p{L}\p{N}][\p{L}\p{N}'’-]*/gu) ?? []).length
    : unit.startsWith('sentence')
      ? sentencesOf(text).length
      : unit.startsWith('character')
        ? [...text].length
        : unit.startsWith('paragraph')
          ? text.split(/\n\s*\n/).filter((part) => part.trim() !== '').length
          : unit.startsWith('line') || subjects.length === 0
            ? rows.length
            : mentions(text, rows, subjects)
  return answer(`${count}`, { count, value: count })
}

/** Rows that speak of the subject; in running text, how often it is named. */
function mentions(text: string, rows: string[], subjects: string[]): number {
  if (rows.length > 1) {
    const own = rows.filter((row) => overlap(row, subjects) > 0).length
    return own > 0 ? own : rows.length
  }
  return wordsIn(text)
    .map(stem)
    .filter((word) => subjects.includes(word)).length
}

function computed({ wants, subjects }: Question, text: string): Decision | undefined {
  const kind = (['average', 'sum', 'cheapest', 'dearest', 'maximum', 'minimum'] as const).find((want) =>
    wants.has(want),
  )
  if (!kind) return undefined
  const rows = text.split('\n')
  const own = rows.filter((row) => overlap(row, subjects) > 0 && /\d/.test(row))
  const lines = own.length > 1 ? own : rows
  const values = lines.flatMap((row) => valuesIn(row).map((value) => ({ ...value, row: row.trim() })))
  if (values.length === 0) return undefined
  const numbers = values.map(({ value }) => value)
  const total = round(numbers.reduce((sum, value) => sum + value, 0))
  const currency = values[0]?.currency
  const shown = (value: number) => (currency ? moneyText(Math.round(value * 100), currency) : `${value}`)
  if (kind === 'sum')
    return answer(`The sum is ${shown(total)}.`, { sum: total, total, value: total, count: numbers.length })
  if (kind === 'average') {
    const mean = round(total / numbers.length)
    return answer(`The average is ${shown(mean)}.`, { average: mean, mean, value: mean, count: numbers.length })
  }
  const isMost = kind === 'dearest' || kind === 'maximum'
  const best = values.reduce((best, one) => ((isMost ? one.value > best.value : one.value < best.value) ? one : best))
  const name = best.row
    .replace(best.text, '')
    .replace(/^[\s*•-]+|[\s,:;–—-]+$/g, '')
    .trim()
  const say =
    name === '' || values.every(({ row }) => row === best.row) ? `It is ${best.text}.` : `It is ${name}: ${best.text}.`
  return answer(say, { name, value: best.value, price: best.value, [kind]: best.value, ...(currency && { currency }) })
}

function valuesIn(row: string): { value: number; text: string; currency?: string }[] {
  const prices = moneyIn(row)
  if (prices.length > 0) return prices.map(({ minor, text, currency }) => ({ value: minor / 100, text, currency }))
  return [...row.matchAll(/(?<![\p{L}\d])-?\d+(?:,\d{3})*(?:\.\d+)?/gu)].map(([text]) => ({
    value: Number(text.replaceAll(',', '')),
    text,
  }))
}

const round = (value: number) => Math.round(value * 1e9) / 1e9

function listed({ wants, subjects }: Question, text: string): Decision | undefined {
  if (!wants.has('list') || text === '') return undefined
  const bullets = text.split('\n').map((line) => line.replace(/^\s*(?:[-*•]|\d+[.)])\s+/, '').trim())
  const rows = bullets.filter((row) => row !== '')
  const own = rows.filter((row) => overlap(row, subjects) > 0)
  if (rows.length < 2 && own.length === 0) return undefined
  const items = (own.length > 0 ? own : rows).slice(0, 100)
  return answer(items.map((item) => `- ${item}`).join('\n'), { items, count: items.length })
}

/** The sentences that speak most of what is asked, as they stand. */
function quoted({ wants, subjects }: Question, text: string): Decision {
  const sentences = sentencesOf(text)
  if (sentences.length === 0) return answer(honest, { answer: null })
  if (wants.has('summary')) return answer(summary(sentences).join(' '), {})
  const scored = sentences.map((sentence) => ({ sentence, score: overlap(sentence, subjects) }))
  const best = Math.max(...scored.map(({ score }) => score))
  if (best === 0) return answer('The text I was given does not say.', { answer: null })
  return answer(
    scored
      .filter(({ score }) => score === best)
      .slice(0, 3)
      .map(({ sentence }) => sentence)
      .join(' '),
  )
}

/** The three sentences whose words recur most in the text, in their order. */
function summary(sentences: string[]): string[] {
  const often = new Map<string, number>()
  for (const word of sentences.flatMap(wordsIn).map(stem)) often.set(word, (often.get(word) ?? 0) + 1)
  const weight = (sentence: string) => {
    const words = wordsIn(sentence).map(stem)
    return (
      words.reduce((sum, word) => sum + (word.length > 3 ? (often.get(word) ?? 0) : 0), 0) /
      Math.sqrt(words.length || 1)
    )
  }
  const best = new Set(sentences.toSorted((a, b) => weight(b) - weight(a)).slice(0, 3))
  return sentences.filter((sentence) => best.has(sentence))
}
