/** Markup that is already safe to send. Only {@link html} and {@link raw} make it. */
export class Html {
  constructor(readonly text: string) {}
  toString() {
    return this.text
  }
}

type Value = Html | string | number | undefined | false | readonly Value[]

/** A template whose every inserted text is escaped; other {@link Html}, and lists of it, go in as they are. */
export function html(strings: TemplateStringsArray, ...values: readonly Value[]): Html {
  let text = strings[0] ?? ''
  values.forEach((value, index) => {
    text += render(value) + (strings[index + 1] ?? '')
  })
  return new Html(text)
}

/** Markup from a trusted constant. Never give it anything that came from outside. */
export const raw = (markup: string) => new Html(markup)

function render(value: Value): string {
  if (value instanceof Html) return value.text
  if (Array.isArray(value)) return value.map(render).join('')
  if (value === undefined || value === false) return ''
  return escaped(String(value))
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }

const escaped = (text: string) => text.replace(/[&<>"']/g, (char) => entities[char] ?? '')
