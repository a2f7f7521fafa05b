import { senderConformance } from './conformance.ts'
import { MemorySender } from './memory.ts'

senderConformance('memory', async () => {
  const sender = new MemorySender()
  let count = 0
  return {
    sender,
    open: (scene, heard) => {
      const url = `https://endpoint.test/${++count}`
      sender.endpoints.set(url, async ({ headers, body }) => {
        heard?.({ headers, body: Buffer.from(body).toString() })
        if (scene === 'hang up') return { failure: 'connection_lost' }
        await scene.after
        const { status, text, headers: { 'retry-after': retryAfter } = {} } = scene
        return { status, ...(text && { text }), ...(retryAfter && { retryAfter }) }
      })
      return url
    },
    nobody: 'https://nobody.test/',
    close: async () => {},
  }
})
