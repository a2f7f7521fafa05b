import { expect, jest, test } from 'bun:test'
import { readBody } from './body.ts'
import { Fault } from './faults.ts'

const codeOf = (work: Promise<unknown>) =>
  work.then(
    () => 'arrived',
    (error) => (error instanceof Fault ? error.code : String(error)),
  )
const post = (body: ReadableStream<Uint8Array>) =>
  new Request('http://localhost/', { method: 'POST', body, duplex: 'half' } as RequestInit)

test('a body that stalls is given up with request_timeout, and others that arrive are not', async () => {
  jest.useFakeTimers()
  try {
    const stalled = codeOf(readBody(post(new ReadableStream({})), { bytesMax: 10 }))
    const nowMs = performance.now()
    const clock = jest.spyOn(performance, 'now').mockReturnValue(nowMs + 31_000)
    const fresh = Promise.withResolvers<void>()
    const arriving = codeOf(
      readBody(
        post(
          new ReadableStream({
            async start(controller) {
              await fresh.promise
              controller.enqueue(new Uint8Array(3))
              controller.close()
            },
          }),
        ),
        { bytesMax: 10 },
      ),
    )
    jest.advanceTimersByTime(1_000)
    expect(await stalled).toBe('request_timeout')
    fresh.resolve()
    expect(await arriving).toBe('arrived')
    clock.mockRestore()
  } finally {
    jest.useRealTimers()
  }
})

test('a body that breaks off is a malformed_request', async () => {
  const broken = new ReadableStream<Uint8Array>({
    pull() {
      throw new Error('ECONNRESET')
    },
  })
  expect(await codeOf(readBody(post(broken), { bytesMax: 10 }))).toBe('malformed_request')
})
