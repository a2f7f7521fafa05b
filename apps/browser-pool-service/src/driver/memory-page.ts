import { pause } from '@santaclaude/kit/deadline'
import type { During } from './memory.ts'
import { type MemoryElement, nameOf, readHtml } from './memory-html.ts'
import {
  type Action,
  type DriverPage,
  type PdfOptions,
  refForm,
  type ScreenshotOptions,
  type Target,
  type Wait,
} from './page.ts'
import { DriverError } from './port.ts'

interface Surroundings {
  during: During
  cookies: Map<string, string>
  openPopup(url: string): Promise<void>
}
interface Limit {
  deadlineMs: number
}

const png = Buffer.from('89504e470d0a1a0a', 'hex')
const jpeg = Buffer.from('ffd8ffd9', 'hex')
const pdf = Buffer.from('%PDF-1.7')

export class MemoryPage implements DriverPage {
  url = 'about:blank'
  isCrashed = false
  private titleText = ''
  private elements: MemoryElement[] = []
  private document = 1
  private isLooping = false
  private isOver = false
  private readonly listeners: (() => void)[] = []

  constructor(private readonly around: Surroundings) {}

  navigate(url: string, { deadlineMs }: Limit) {
    return this.run(deadlineMs, 'the navigation', async () => ({ status: await this.load(url) }))
  }

  act(action: Action, { deadlineMs }: Limit) {
    return this.run(deadlineMs, `the ${action.action}`, async () => {
      const element = action.target && this.find(action.target)
      if (action.action === 'click' && element) await this.click(element)
      if (action.action === 'select' && element) this.select(element, action.values)
      if (action.action === 'type' && element) {
        const before = action.append ? (element.attributes.value ?? '') : ''
        element.attributes.value = before + action.text
        if (action.submit) await this.submit(element)
      }
      if (action.action === 'press' && action.key === 'Enter' && element) await this.submit(element)
      return { isSettled: true }
    })
  }

  wait(wait: Wait, { deadlineMs }: Limit) {
    return this.run(deadlineMs, 'the wait', async () => {
      while (!this.holds(wait)) await pause(5)
    })
  }

  evaluate(expression: string, { deadlineMs, bytesMax }: Limit & { bytesMax: number }) {
    return this.run(deadlineMs, 'the script', async () => {
      let text: string | undefined
      try {
        // biome-ignore lint/security/noGlobalEval: this double stands for a page, whose whole purpose is to run scripts
        const made: unknown = globalThis.eval(`(${expression}\n)`)
        text = JSON.stringify(await (typeof made === 'function' ? made() : made))
      } catch (error) {
        throw new DriverError('script', 'the script failed', error)
      }
      if (text !== undefined && Buffer.byteLength(text) > bytesMax)
        throw new DriverError('too_large', `the result is larger than ${bytesMax} bytes of JSON`)
      return text === undefined ? null : JSON.parse(text)
    })
  }

  title({ deadlineMs }: Limit) {
    return this.run(deadlineMs, 'reading the title', async () => this.titleText)
  }

  snapshot({ deadlineMs, charsMax }: Limit & { charsMax: number }) {
    return this.run(deadlineMs, 'the snapshot', async () => {
      const lines = this.elements.map(
        (element) =>
          `- ${element.role} "${nameOf(element)}"${'selected' in element.attributes ? ' [selected]' : ''} [ref=d${this.document}${element.ref}]`,
      )
      const text = lines.map((line) => line.replace(/ (\[selected\]) (\[ref.*)$/, ' $2 $1')).join('\n')
      const end = text.length <= charsMax ? text.length : Math.max(0, text.lastIndexOf('\n', charsMax))
      return { url: this.url, title: this.titleText, text: text.slice(0, end), isTruncated: end < text.length }
    })
  }

  screenshot({ type, target, deadlineMs }: ScreenshotOptions & Limit) {
    return this.run(deadlineMs, 'the screenshot', async () => {
      if (target) this.find(target)
      return type === 'png' ? png : jpeg
    })
  }

  pdf({ deadlineMs }: PdfOptions & Limit) {
    return this.run(deadlineMs, 'the PDF', async () => pdf)
  }

  onClosed(listener: () => void) {
    this.listeners.push(listener)
  }

  async close() {
    this.end()
  }

  end() {
    if (this.isOver) return
    this.isOver = true
    for (const listener of this.listeners.splice(0)) listener()
  }

  /** Loads a page over HTTP and answers its status. */
  async load(url: string): Promise<number> {
    const cookie = [...this.around.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, cookie ? { headers: { cookie } } : {}).catch((error) => {
      throw new DriverError('unreachable', 'the address could not be loaded', error)
    })
    for (const set of response.headers.getSetCookie()) {
      const [name = '', value = ''] = (set.split(';')[0] ?? '').split('=')
      this.around.cookies.set(name, value)
    }
    const html = await response.text()
    const { title, elements } = await readHtml(html)
    this.url = url
    this.titleText = title
    this.elements = elements
    this.document++
    this.isLooping = html.includes('for (;;)')
    return response.status
  }

  private run<T>(deadlineMs: number, what: string, work: () => Promise<T>): Promise<T> {
    if (this.isOver) return Promise.reject(new DriverError('gone', 'the page or its browser was closed'))
    if (this.isCrashed) return Promise.reject(new DriverError('crashed', 'the page crashed'))
    return this.around.during(deadlineMs, what, this.isLooping ? () => new Promise<never>(() => {}) : work)
  }

  private find(target: Target): MemoryElement {
    if ('ref' in target) {
      const [, document, ref] = refForm.exec(target.ref) ?? []
      if (!ref) throw new DriverError('bad_target', 'a ref looks like d1e5; take it from a snapshot')
      const element = this.elements.find((each) => each.ref === ref)
      if (Number(document) !== this.document || !element)
        throw new DriverError('stale_ref', 'the element of this ref is no longer in the page')
      return element
    }
    const found = this.elements.filter((element) => fits(element, target))
    if (found.length > 1) throw new DriverError('many_elements', 'more than one element fits')
    if (!found[0]) throw new DriverError('no_element', 'no element fits this target')
    return found[0]
  }

  private async click(element: MemoryElement): Promise<void> {
    const { href, target, onclick } = element.attributes
    if (onclick === 'this.remove()') this.elements = this.elements.filter((each) => each !== element)
    if (href === undefined) return
    const url = new URL(href, this.url).href
    if (target === '_blank') await this.around.openPopup(url)
    else await this.load(url)
  }

  private select(element: MemoryElement, values: string[]): void {
    for (const option of this.elements.filter(({ parent }) => parent === element)) {
      delete option.attributes.selected
      if (values.includes(option.attributes.value ?? '') || values.includes(nameOf(option)))
        option.attributes.selected = ''
    }
  }

  private async submit(field: MemoryElement): Promise<void> {
    const url = new URL(field.parent?.attributes.action ?? '', this.url)
    url.searchParams.set(field.attributes.name ?? '', field.attributes.value ?? '')
    await this.load(url.href)
  }

  private holds(wait: Wait): boolean {
    if (wait.for === 'text') return this.elements.some((element) => nameOf(element).includes(wait.text)) !== wait.isGone
    if (wait.for === 'url') return this.url.includes(wait.contains)
    if (wait.for !== 'element') return true
    const { target } = wait
    if ('ref' in target) return Boolean(this.find(target))
    return this.elements.some((element) => fits(element, target)) === (wait.state === 'visible')
  }
}

/** Whether an element fits a role and name, or a selector that is a tag or an id. */
function fits(element: MemoryElement, target: Exclude<Target, { ref: string }>): boolean {
  if ('role' in target)
    return element.role === target.role && (target.name === undefined || nameOf(element) === target.name)
  if (!/^#?[\w-]+$/.test(target.selector)) throw new DriverError('bad_target', 'the selector cannot be parsed')
  return target.selector.startsWith('#')
    ? element.attributes.id === target.selector.slice(1)
    : element.tag === target.selector
}
