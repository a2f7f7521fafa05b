/** Thrown when an answer is longer than its reader is willing to hold. */
export class TooLong extends Error {
  constructor(readonly bytesMax: number) {
    super(`the answer is longer than ${bytesMax} bytes`)
    this.name = 'TooLong'
  }
}

/** The whole body as text, or {@link TooLong} as soon as it passes `bytesMax`; the rest is then never downloaded. */
export async function readBounded(response: Response, bytesMax: number): Promise<string> {
  if (!response.body) return ''
  const reader = response.body.getReader()
  const decoder = new TextDecoder()
  let text = ''
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (done) return text + decoder.decode()
      bytes += value.byteLength
      if (bytes > bytesMax) throw new TooLong(bytesMax)
      text += decoder.decode(value, { stream: true })
    }
  } finally {
    await reader.cancel().catch(() => {})
  }
}
