/**
 * Pieces of JSON text, cut out byte for byte. `JSON.parse` and `JSON.stringify` would turn 1.0 into 1 and lose the last
 * digits of a 64-bit number; a bus hands on what it was given. All texts here have been parsed before: they are valid.
 */

/** The elements of an array. */
export function elementsOf(text: string): string[] {
  const elements: string[] = []
  let at = skipSpace(text, text.indexOf('[') + 1)
  while (text[at] !== ']') {
    const end = valueEnd(text, at)
    elements.push(text.slice(at, end))
    at = afterComma(text, end)
  }
  return elements
}

/** The value of one member of an object; the last one when a name comes twice, as JSON.parse has it. */
export function memberOf(text: string, name: string): string | undefined {
  let found: string | undefined
  let at = skipSpace(text, text.indexOf('{') + 1)
  while (text[at] !== '}') {
    const nameEnd = valueEnd(text, at)
    const start = skipSpace(text, text.indexOf(':', nameEnd) + 1)
    const end = valueEnd(text, start)
    if (JSON.parse(text.slice(at, nameEnd)) === name) found = text.slice(start, end)
    at = afterComma(text, end)
  }
  return found
}

const [quote, backslash, comma, colon] = ['"', '\\', ',', ':'].map((char) => char.charCodeAt(0))

function valueEnd(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text.charCodeAt(at)
    if (char === quote) at = stringEnd(text, at)
    // Braces and brackets differ in one bit.
    else if ((char | 0x20) === 0x7b) depth++
    else if ((char | 0x20) === 0x7d) {
      if (depth === 0) return at
      depth--
    } else if (depth === 0 && (char === comma || char === colon || isSpace(text[at]))) return at
    else continue
    if (depth === 0) return at + 1
  }
  return text.length
}

/** The place of the closing quote: the first one with an even number of backslashes before it. */
function stringEnd(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); ; at = text.indexOf('"', at + 1)) {
    let escapes = 0
    while (text.charCodeAt(at - 1 - escapes) === backslash) escapes++
    if (escapes % 2 === 0) return at
  }
}

function afterComma(text: string, at: number): number {
  const next = skipSpace(text, at)
  return text[next] === ',' ? skipSpace(text, next + 1) : next
}

function skipSpace(text: string, start: number): number {
  let at = start
  while (isSpace(text[at])) at++
  return at
}

const isSpace = (char: string | undefined) => char === ' ' || char === '\n' || char === '\r' || char === '\t'
