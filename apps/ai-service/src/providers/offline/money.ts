/** A price as it stood in the text. Amounts are whole minor units (cents), so they compare and add exactly. */
export interface Money {
  minor: number
  currency: string
  /** As written: `€24,90`. */
  text: string
  /** Where it stands in the text it was found in. */
  at: number
}

const signs: Record<string, string> = {
  '£': 'GBP',
  $: 'USD',
  '€': 'EUR',
  '¥': 'JPY',
  '₹': 'INR',
  '₩': 'KRW',
  zł: 'PLN',
  kr: 'kr',
}
const sign = '[£$€¥₹₩]|zł|kr\\b'
const code = '\\b(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|INR)\\b'
// Every repetition is bounded: the text comes from pages, and some of them mean harm.
const number =
  "(?<![\\d.,])(?:\\d{1,3}(?:[.,'\\u00a0\\u202f]\\d{3}){1,3}(?:[.,]\\d{1,2})?|\\d{1,9}(?:[.,]\\d{1,2})?)(?!\\d)"
const price = new RegExp(
  `(${sign}|${code})\\s?(${number})(?:[.,][-–])?|(${number})(?:[.,][-–])?\\s?(${sign}|${code})`,
  'gu',
)

/** Every price in a text: `£1,299.00`, `24,90 €`, `CHF 39.–`, `EUR 12`. */
export function moneyIn(text: string): Money[] {
  return [...text.matchAll(price)].map((match) => {
    const currency = match[1] ?? match[4] ?? ''
    return {
      minor: minorUnits(match[2] ?? match[3] ?? '0'),
      currency: signs[currency] ?? currency,
      text: match[0].trim(),
      at: match.index,
    }
  })
}

/** `1.299,5` → 129950. The last separator is the decimal one unless exactly three digits follow it. */
function minorUnits(written: string): number {
  const decimals = /[.,](\d{1,2})$/.exec(written)
  const whole = (decimals ? written.slice(0, decimals.index) : written).replace(/\D/g, '')
  return Number(whole) * 100 + Number((decimals?.[1] ?? '').padEnd(2, '0'))
}

/** An amount in words of the sort it was read: `24.90 EUR`. */
export const moneyText = (minor: number, currency: string) => `${(minor / 100).toFixed(2)} ${currency}`
