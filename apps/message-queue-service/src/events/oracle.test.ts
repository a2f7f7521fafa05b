import { afterAll, beforeAll, expect, test } from 'bun:test'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { CloudEvent, HTTP, type Message } from 'cloudevents'
import { startApp } from '../app.fixture.ts'

/** CloudEvents as the reference SDK writes and reads them, on a real Redis. */
let redis: TestRedis
let app: Awaited<ReturnType<typeof startApp>>
beforeAll(async () => {
  redis = await startRedis()
  app = await startApp({ log: openLog({ redisUrl: redis.url }) })
})
afterAll(async () => {
  await app.log.close()
  await redis.close()
})

let topics = 0
async function topic() {
  const path = `/v1/topics/t${topics++}`
  await app.ask('PUT', path, { body: { partitions: 1 } })
  return `${path}/events`
}

const base = { source: '/shop', type: 'shop.order.placed', subject: 'order 1041', partitionkey: 'c-7' }
const samples: CloudEvent<unknown>[] = [
  new CloudEvent({ ...base, data: { order: 1041, lines: [{ n: 1.5 }], text: 'ü "quoted" \\ }]' } }),
  new CloudEvent({ ...base, datacontenttype: 'application/vnd.shop+json', data: [1, 'two', null] }),
  new CloudEvent({ ...base, time: '2026-01-02T03:04:05.678Z', dataschema: 'urn:shop:1', level: 3, urgent: true }),
  new CloudEvent({ ...base, datacontenttype: 'text/plain', data: 'plain – text' }),
]
const bytes = new CloudEvent({
  ...base,
  datacontenttype: 'application/octet-stream',
  data: new Uint8Array([0, 1, 254, 255]),
})

const send = (path: string, { headers, body }: Message) =>
  app.send('POST', path, { headers: headers as Record<string, string>, body: body as string })

/** What the sender meant, without what the service adds. */
function essence({
  time: _time,
  traceparent: _trace,
  tenant: _tenant,
  data_base64,
  data,
  ...rest
}: CloudEvent<unknown>) {
  const payload = data_base64 ?? (data instanceof Uint8Array ? Buffer.from(data).toString('base64') : data)
  return JSON.parse(JSON.stringify({ datacontenttype: 'application/json', ...rest, payload }))
}

async function stored(path: string): Promise<CloudEvent<unknown>[]> {
  const { body } = await app.ask('GET', path)
  // The SDK validates each one against the specification when it reads it.
  return body.events.map(({ event }: { event: object }) => {
    const message = { headers: { 'content-type': 'application/cloudevents+json' }, body: JSON.stringify(event) }
    const read = HTTP.toEvent(message) as CloudEvent<unknown>
    read.validate()
    return read
  })
}

test('binary mode: what the SDK sends comes back as the SDK reads it', async () => {
  const path = await topic()
  for (const event of [...samples, bytes]) expect((await send(path, HTTP.binary(event))).status).toBe(201)
  const read = await stored(path)
  expect(read.map((event) => event.id)).toEqual([...samples, bytes].map((event) => event.id))
  for (const [n, event] of samples.entries()) {
    // A header is text: whoever sends a number in binary mode has said that it may arrive as one.
    const { level, urgent, ...want } = essence(event)
    const got = essence(read[n] as CloudEvent<unknown>)
    expect(got).toMatchObject(want)
    expect([String(got.level), String(got.urgent)]).toEqual([String(level), String(urgent)])
  }
  expect(essence(read.at(-1) as CloudEvent<unknown>).payload).toBe('AAH+/w==')
})

test('structured mode: what the SDK sends comes back as the SDK reads it', async () => {
  const path = await topic()
  for (const event of [...samples, bytes]) expect((await send(path, HTTP.structured(event))).status).toBe(201)
  const read = await stored(path)
  for (const [n, event] of [...samples, bytes].entries())
    expect(essence(read[n] as CloudEvent<unknown>)).toEqual(essence(event))
})

test('batch mode: what the SDK sends comes back as the SDK reads it', async () => {
  const path = await topic()
  const headers = { 'content-type': 'application/cloudevents-batch+json; charset=utf-8' }
  const answer = await send(path, { headers, body: JSON.stringify([...samples, bytes]) })
  expect(answer.status).toBe(201)
  const read = await stored(path)
  expect(read.map(essence)).toEqual([...samples, bytes].map(essence))
})

test('a time that the sender gave is kept', async () => {
  const path = await topic()
  const event = samples[2] as CloudEvent<unknown>
  for (const message of [HTTP.binary(event), HTTP.structured(event)]) await send(path, message)
  expect((await stored(path)).map(({ time }) => time)).toEqual([event.time, event.time].slice(0, 1))
})
