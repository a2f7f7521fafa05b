import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type Outgoing, responseCharsMax, type Sender } from './port.ts'

/** An endpoint of the suite: it answers, hangs until it is let go, or hangs up. */
export interface Scene {
  status: number
  headers?: Record<string, string>
  text?: string
  /** Nothing is answered before this resolves. */
  after?: Promise<unknown>
}

export interface SenderHouse {
  sender: Sender
  /** Opens an endpoint and answers its URL. The second function is told each request. */
  open(scene: Scene | 'hang up', heard?: (request: { headers: Record<string, string>; body: string }) => void): string
  /** A URL where nobody listens. */
  nobody: string
  close(): Promise<void>
}

const message = (url: string, more: Partial<Outgoing> = {}): Outgoing => ({
  url,
  headers: { 'content-type': 'text/plain', 'webhook-id': 'msg_1' },
  body: Buffer.from('a body ü'),
  timeoutMs: 30_000,
  ...more,
})

/** What every sender does; each adapter runs this. */
export function senderConformance(name: string, start: () => Promise<SenderHouse>) {
  describe(`sender: ${name}`, () => {
    let house: SenderHouse
    beforeAll(async () => {
      house = await start()
    })
    afterAll(() => house.close())
    const send = (url: string, more?: Partial<Outgoing>) => house.sender.send(message(url, more))

    test('the message arrives as it was given, and the answer comes back', async () => {
      const heard: { headers: Record<string, string>; body: string }[] = []
      const url = house.open({ status: 202, text: 'thanks' }, (request) => heard.push(request))
      expect(await send(url)).toEqual({ answer: { status: 202, text: 'thanks' }, latencyMs: expect.any(Number) })
      expect(heard).toHaveLength(1)
      expect(heard[0]?.body).toBe('a body ü')
      expect(heard[0]?.headers).toMatchObject({ 'content-type': 'text/plain', 'webhook-id': 'msg_1' })
    })

    test('any status is an answer, with its Retry-After', async () => {
      for (const status of [200, 204, 400, 410, 429, 500, 503]) {
        const url = house.open({ status, headers: { 'retry-after': '7' } })
        expect(await send(url)).toMatchObject({ answer: { status, retryAfter: '7' } })
      }
    })

    test('a redirect is an answer, not followed', async () => {
      let visits = 0
      const elsewhere = house.open({ status: 200 }, () => visits++)
      const url = house.open({ status: 307, headers: { location: elsewhere } })
      expect(await send(url)).toMatchObject({ answer: { status: 307 } })
      expect(visits).toBe(0)
    })

    test('of a long answer the beginning is kept', async () => {
      const url = house.open({ status: 500, text: 'ä'.repeat(3_000_000) })
      expect(await send(url)).toMatchObject({ answer: { status: 500, text: 'ä'.repeat(responseCharsMax) } })
    })

    test('an endpoint that does not answer in time has failed', async () => {
      const never = new Promise(() => {})
      expect(await send(house.open({ status: 200, after: never }), { timeoutMs: 30 })).toMatchObject({
        failure: 'timed_out',
      })
    })

    test('an attempt that is stopped ends at once', async () => {
      const stopping = new AbortController()
      let arrived = () => {}
      const arrival = new Promise<void>((resolve) => {
        arrived = resolve
      })
      const url = house.open({ status: 200, after: new Promise(() => {}) }, () => arrived())
      const sending = send(url, { signal: stopping.signal })
      await arrival
      stopping.abort()
      expect(await sending).toMatchObject({ failure: 'stopped' })
      expect(await send(url, { signal: stopping.signal })).toMatchObject({ failure: 'stopped' })
    })

    test('an endpoint that hangs up, and one that is not there, have failed', async () => {
      expect(await send(house.open('hang up'))).toMatchObject({ failure: 'connection_lost' })
      expect(await send(house.nobody)).toMatchObject({ failure: 'connection_refused' })
    })

    test('many messages go at once', async () => {
      let heard = 0
      let release = () => {}
      const after = new Promise<void>((resolve) => {
        release = resolve
      })
      const url = house.open({ status: 200, after }, () => ++heard === 40 && release())
      const all = await Promise.all(Array.from({ length: 40 }, () => send(url)))
      expect(all.filter((sent) => 'answer' in sent && sent.answer.status === 200)).toHaveLength(40)
    })
  })
}
