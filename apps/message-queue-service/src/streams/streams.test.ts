import { afterAll, beforeAll, expect, test } from 'bun:test'
import { readSse, type SseMessage } from '@santaclaude/kit/sse'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'

let redis: TestRedis
let log: EventLog
beforeAll(async () => {
  redis = await startRedis()
  log = openLog({ redisUrl: redis.url, trimEveryMs: 0 })
})
afterAll(async () => {
  await log.close()
  await redis.close()
})

async function withTopic(topic: string) {
  const app = await startApp({ log })
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 2 } })
  const publish = (...data: unknown[]) =>
    app.ask('POST', `/v1/topics/${topic}/events`, { body: data.map((one) => ({ type: 'shop.said', data: one })) })
  /** Opens the stream; `next` answers the frames one by one. */
  const follow = async (query = '', headers: HeadersInit = {}) => {
    const response = await app.send('GET', `/v1/topics/${topic}/stream${query}`, { headers })
    expect(response.status).toBe(200)
    const frames = readSse(response.body as ReadableStream<Uint8Array>)
    const next = async () => (await frames.next()).value as SseMessage
    return { next, close: () => frames.return(undefined) }
  }
  return { ...app, publish, follow }
}

const dataOf = ({ data }: SseMessage) => JSON.parse(data).data

test('a tail says that it is ready, then brings each event under its own type', async () => {
  const { publish, follow } = await withTopic('live')
  await publish('before')
  const tail = await follow()
  expect(await tail.next()).toMatchObject({ event: 'mq.ready' })
  await publish({ n: 1 })
  const frame = await tail.next()
  expect(frame).toMatchObject({ event: 'shop.said', id: expect.stringMatching(/^c1\./) })
  expect(JSON.parse(frame.data)).toMatchObject({ specversion: '1.0', type: 'shop.said', data: { n: 1 } })
  await tail.close()
})

test('a reader that comes back with Last-Event-ID gets exactly what it has not seen', async () => {
  const { publish, follow } = await withTopic('resume')
  await publish(1)
  await publish(2)
  const first = await follow('?from=earliest')
  await first.next()
  const seen = await first.next()
  await first.close()
  await publish(3)
  const second = await follow('', { 'last-event-id': seen.id })
  await second.next()
  const rest = [dataOf(await second.next()), dataOf(await second.next())]
  expect([dataOf(seen), ...rest].toSorted()).toEqual([1, 2, 3])
  await publish(4)
  expect(dataOf(await second.next())).toBe(4)
  await second.close()
})

test('a reader whose place was trimmed gets an explicit reset', async () => {
  const { publish, follow, ask } = await withTopic('trimmed')
  const ready = await follow('?from=earliest')
  const { id } = await ready.next()
  await ready.close()
  for (let n = 0; n < 6; n++) await publish(n)
  await ask('PATCH', '/v1/topics/trimmed', { body: { retention: { maxEvents: 0 } } })
  while ((await log.size({ tenant: 'acme', topic: 'trimmed' })) > 0) await log.sweep()
  const again = await follow('', { 'last-event-id': id })
  expect((await again.next()).event).toBe('mq.ready')
  const reset = await again.next()
  expect(reset.event).toBe('mq.reset')
  expect(JSON.parse(reset.data)).toMatchObject({ reason: 'trimmed', from: '0-0' })
  await again.close()
})

test('a stream ends with an explicit end when the service drains', async () => {
  const { follow, host } = await withTopic('drained')
  const tail = await follow()
  await tail.next()
  host.drain.endStreams()
  expect(await tail.next()).toMatchObject({ event: 'end', data: '{"reason":"draining"}' })
})

test('a wrong place is refused before the stream begins', async () => {
  const { ask } = await withTopic('refused')
  expect((await ask('GET', '/v1/topics/refused/stream?from=nonsense')).body).toMatchObject({ code: 'bad_cursor' })
  expect((await ask('GET', '/v1/topics/nowhere/stream')).body).toMatchObject({ code: 'topic_not_found' })
})

test('events of the platform reach a reader that was there before the topic', async () => {
  const { send, emit } = await startApp({ log })
  const response = await send('GET', '/v1/topics/browser/stream')
  const frames = readSse(response.body as ReadableStream<Uint8Array>)
  expect((await frames.next()).value).toMatchObject({ event: 'mq.ready' })
  await emit({ tenant: 'acme', topic: 'browser', type: 'browser.session.opened', data: {} })
  expect((await frames.next()).value).toMatchObject({ event: 'browser.session.opened' })
  await frames.return(undefined)
})
