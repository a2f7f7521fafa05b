/** The arithmetic expression in a text, worked out; undefined when there is none, or it has no finite value. */
export function calculate(text: string): { expression: string; value: number } | undefined {
  const found = /[-(\d][\d\s.()+\-*/×÷^]*[+\-*/×÷^][\d\s.()+\-*/×÷^]*[\d)]/.exec(text)?.[0].trim()
  if (found === undefined || /^\d{4}-\d{2}-\d{2}$|^\d+(-\d+){2,}$/.test(found)) return undefined
  const parts =
    found
      .replaceAll('×', '*')
      .replaceAll('÷', '/')
      .match(/\d+(?:\.\d+)?|[()+\-*/^]/g) ?? []
  const reader = { parts, at: 0 }
  const value = sum(reader)
  if (reader.at < parts.length || !Number.isFinite(value)) return undefined
  return { expression: found, value: Math.round(value * 1e12) / 1e12 }
}

interface Reader {
  parts: string[]
  at: number
}

const take = (reader: Reader, wanted: string) => {
  const part = reader.parts[reader.at]
  if (part === undefined || !wanted.includes(part)) return undefined
  reader.at++
  return part
}

function sum(reader: Reader): number {
  let value = product(reader)
  for (;;) {
    const sign = take(reader, '+-')
    if (!sign) return value
    value = sign === '+' ? value + product(reader) : value - product(reader)
  }
}

function product(reader: Reader): number {
  let value = power(reader)
  for (;;) {
    const sign = take(reader, '*/')
    if (!sign) return value
    value = sign === '*' ? value * power(reader) : value / power(reader)
  }
}

function power(reader: Reader): number {
  const base = atom(reader)
  return take(reader, '^') ? base ** power(reader) : base
}

function atom(reader: Reader): number {
  if (take(reader, '-')) return -atom(reader)
  if (take(reader, '(')) {
    const value = sum(reader)
    return take(reader, ')') ? value : Number.NaN
  }
  const number = Number(reader.parts[reader.at])
  reader.at++
  return number
}
