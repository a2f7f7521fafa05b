/** What a frame holds; tests say by their expectations which fields are there. */
// biome-ignore lint/suspicious/noExplicitAny: see above.
export type Frame = Record<string, any>

/** A client of one socket: sends frames, and answers those that come one by one or by what they are. */
export async function openSocket(url: string, headers: Record<string, string> = {}) {
  const ws = new WebSocket(url, { headers, protocols: ['mq.v1'] } as never)
  const frames: Frame[] = []
  const waiting = new Set<() => void>()
  const wake = () => {
    for (const look of waiting) look()
    waiting.clear()
  }
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    ws.addEventListener('close', ({ code, reason }) => {
      resolve({ code, reason })
      wake()
    })
  })
  ws.addEventListener('message', ({ data }) => {
    frames.push(JSON.parse(data as string) as Frame)
    wake()
  })
  await new Promise<void>((resolve, reject) => {
    ws.addEventListener('open', () => resolve())
    ws.addEventListener('error', () => reject(new Error('the socket did not open')))
  })
  /** The next frame that fits, taken out of the line; waits for it. */
  const next = async (fits: (frame: Frame) => boolean = () => true): Promise<Frame> => {
    for (;;) {
      const at = frames.findIndex(fits)
      if (at >= 0) return frames.splice(at, 1)[0] as Frame
      if (ws.readyState === WebSocket.CLOSED) throw new Error('closed before the frame came')
      await new Promise<void>((resolve) => waiting.add(resolve))
    }
  }
  const say = (frame: unknown) => ws.send(typeof frame === 'string' ? frame : JSON.stringify(frame))
  let refs = 0
  /** Sends a frame and answers its `done`, or its `error`. */
  const ask = (frame: Frame) => {
    const ref = `r${++refs}`
    say({ ...frame, ref })
    return next((one) => one.ref === ref)
  }
  return { ws, say, ask, next, closed, close: () => ws.close() }
}
