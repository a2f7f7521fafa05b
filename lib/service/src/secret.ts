/** A text that must not be shown: prints, serialises and inspects as `[secret]`. */
export class Secret {
  readonly #text: string
  constructor(text: string) {
    this.#text = text
  }
  /** The text itself, for the one line that needs it. */
  reveal(): string {
    return this.#text
  }
  toString() {
    return '[secret]'
  }
  toJSON() {
    return '[secret]'
  }
  [Symbol.for('nodejs.util.inspect.custom')]() {
    return '[secret]'
  }
}
