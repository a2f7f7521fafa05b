/** Hands each key pressed in the terminal to `press`, one at a time, until `leave` aborts. */
export function readKeys(press: (key: string) => Promise<void>, leave: AbortController): void {
  const { stdin } = process
  const raw = (isRaw: boolean) => {
    try {
      stdin.setRawMode(isRaw)
    } catch {
      // The terminal is gone, and with it the reason to stay.
      leave.abort()
    }
  }
  raw(true)
  stdin.setEncoding('utf8')
  let turn = Promise.resolve()
  stdin.on('data', (text) => {
    for (const key of String(text)) {
      // Ctrl-C must work while a demo runs, so it does not wait for its turn.
      if (key === '\u0003') leave.abort()
      else turn = turn.then(() => press(key))
    }
  })
  stdin.on('end', () => leave.abort())
  stdin.on('error', () => leave.abort())
  leave.signal.addEventListener('abort', () => {
    raw(false)
    stdin.pause()
  })
}
