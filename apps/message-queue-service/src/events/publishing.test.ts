import { afterAll, beforeAll, expect, test } from 'bun:test'
import { isUuid } from '@santaclaude/kit/ids'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'

/** What the headers of a publish request promise, on a real Redis. */
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
async function topic(partitions = 1, settings: object = {}) {
  const path = `/v1/topics/t${topics++}`
  await app.ask('PUT', path, { body: { partitions, ...settings } })
  return `${path}/events`
}
const post = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  app.ask('POST', path, { body, headers })
const stored = async (path: string) =>
  (await app.ask('GET', path)).body.events.map(({ event }: { event: unknown }) => event)
const typed = (n: number) => ({ type: 't', data: n })

test('an answer says how safe the event is, in its body and in a header', async () => {
  const path = await topic()
  const response = await app.send('POST', path, { body: typed(1) })
  expect(response.headers.get('mq-durability')).toBe('aof')
  expect(response.headers.get('mq-epoch')).toMatch(/^\w{6}$/)
  expect(await response.json()).toMatchObject({ durability: 'aof' })
  expect((await post(path, typed(2), { 'mq-durability': 'aof' })).status).toBe(201)
})

test('a durability the store cannot give is refused, and nothing is kept', async () => {
  const path = await topic()
  for (const wish of ['replicas=1', 'aof, replicas=2']) {
    const answer = await post(path, typed(1), { 'mq-durability': wish })
    expect(answer.body).toMatchObject({ status: 503, code: 'durability_unavailable', retryable: true })
  }
  expect(await stored(path)).toEqual([])
})

test('k retries of one publish give k times the same id and place', async () => {
  const path = await topic(4)
  const headers = { 'idempotency-key': 'order-1041' }
  const answers = await Promise.all(Array.from({ length: 20 }, () => post(path, typed(1), headers)))
  const [{ id, streamId }] = answers.map(({ body }) => body)
  expect(isUuid(id)).toBe(true)
  expect(answers.map(({ body }) => [body.id, body.streamId])).toEqual(Array(20).fill([id, streamId]))
  expect(answers.map(({ status }) => status).toSorted()).toEqual([...Array(19).fill(200), 201])
  expect(await stored(path)).toMatchObject([{ id }])
  expect((await post(path, typed(2), headers)).body).toMatchObject({ code: 'idempotency_conflict' })
})

test('a publish that expects another last id is refused, and told the one there is', async () => {
  const path = await topic()
  const first = await post(path, typed(1), { 'mq-expected-last-id': '0-0' })
  expect(first.status).toBe(201)
  const late = await post(path, typed(2), { 'mq-expected-last-id': '0-0' })
  expect(late.body).toMatchObject({ status: 409, code: 'expected_id_mismatch' })
  expect(late.body.detail).toContain(first.body.streamId)
  expect((await post(path, typed(2), { 'mq-expected-last-id': first.body.streamId })).status).toBe(201)
  expect(await stored(path)).toHaveLength(2)
})

test('an atomic batch is kept whole or not at all', async () => {
  const path = await topic(4)
  const key = { 'mq-partition-key': 'k' }
  const event = (id: string, data: number) => ({ specversion: '1.0', id, source: '/s', type: 't', data })
  await post(path, event('2', 0), key)
  const refused = await post(`${path}?atomic=true`, [event('1', 1), event('2', 2), event('3', 3)], key)
  expect(refused.body).toMatchObject({ status: 409, code: 'idempotency_conflict' })
  expect(await stored(path)).toHaveLength(1)
  const kept = await post(`${path}?atomic=true`, [event('4', 1), event('5', 2)], key)
  expect(kept.status).toBe(201)
  expect(new Set(kept.body.results.map(({ partition }: { partition: number }) => partition)).size).toBe(1)
  expect(await stored(path)).toHaveLength(3)
  const apart = await post(
    `${path}?atomic=true`,
    Array.from({ length: 20 }, (_, n) => ({ ...event(`a${n}`, n), partitionkey: `k${n}` })),
  )
  expect(apart.body).toMatchObject({ status: 422, code: 'several_partitions' })
  expect((await post(`${path}?atomic=true`, [typed(1)])).body).toMatchObject({ code: 'several_partitions' })
  expect(await stored(path)).toHaveLength(3)
})

test('a delayed event is accepted with its due time, and readable then', async () => {
  const path = await topic()
  const headers = { 'mq-delay': '30ms', 'idempotency-key': 'later' }
  const accepted = await post(path, typed(1), headers)
  expect(accepted).toMatchObject({
    status: 202,
    body: { dueAt: expect.any(String), duplicate: false, durability: 'aof' },
  })
  expect((await post(path, typed(1), headers)).body).toEqual({ ...accepted.body, duplicate: true })
  expect((await post(path, typed(2), { 'mq-deliver-at': '2020-01-01T00:00:00Z' })).status).toBe(202)
  const batch = await post(path, [typed(3), typed(4)], { 'mq-delay': '1h' })
  expect(batch).toMatchObject({ status: 202, body: { results: [{ dueAt: expect.any(String) }, {}] } })
  while ((await stored(path)).length < 2) await app.log.promote({ waitMs: 1_000 })
  expect((await stored(path)).map(({ data }: { data: number }) => data).toSorted()).toEqual([1, 2])
  expect((await app.ask('GET', path.replace('/events', ''))).body).toMatchObject({ events: 2, delayed: 2 })
})

test('a full topic that refuses answers 507 topic_full, one by one in a batch', async () => {
  const path = await topic(1, { retention: { maxEvents: 2, discard: 'reject' } })
  const batch = await post(path, [typed(1), typed(2), typed(3)])
  expect(batch).toMatchObject({ status: 207, body: { results: [{ duplicate: false }, {}, { code: 'topic_full' }] } })
  expect((await post(path, typed(4))).body).toMatchObject({ status: 507, code: 'topic_full' })
  expect((await post(path, [typed(4), typed(5)])).body).toMatchObject({ status: 507, code: 'topic_full' })
  expect(await stored(path)).toHaveLength(2)
})

test('a time to live is kept as expirytime', async () => {
  const path = await topic()
  await post(path, typed(1), { 'mq-ttl': '10m' })
  const [{ time, expirytime }] = await stored(path)
  expect(Math.abs(Date.parse(expirytime) - Date.parse(time) - 600_000)).toBeLessThan(5_000)
})

test('a partition key in the header is that of events without one', async () => {
  const path = await topic(4)
  await post(path, [typed(1), { ...typed(2), partitionkey: 'own' }], { 'mq-partition-key': 'common' })
  expect(await stored(path)).toMatchObject([{ partitionkey: 'common' }, { partitionkey: 'own' }])
})

test('headers that do not fit are named and nothing is kept', async () => {
  const path = await topic()
  const wrong: Record<string, string>[] = [
    { 'mq-ttl': 'soon' },
    { 'mq-ttl': '0' },
    { 'mq-delay': '-1' },
    { 'mq-delay': '367d' },
    { 'mq-deliver-at': 'tomorrow' },
    { 'mq-deliver-at': '2020-01-01T00:00:00Z', 'mq-delay': '1s' },
    { 'mq-durability': 'safe' },
    { 'mq-durability': 'replicas=0' },
    { 'mq-expected-last-id': '7' },
    { 'mq-expected-last-id': '0-0', 'mq-delay': '1s' },
    { 'mq-partition-key': '' },
  ]
  for (const headers of wrong) {
    const answer = await post(path, typed(1), headers)
    expect([headers, answer.status, answer.body.code]).toEqual([headers, 422, 'validation_failed'])
    expect(answer.body.errors[0].path).toMatch(/^\/headers\/mq-/)
  }
  expect(await stored(path)).toEqual([])
})

test('the way past the router answers as the router does', async () => {
  const path = await topic()
  const consumer = await app.keyOf(['events:consume'])
  const json = { 'content-type': 'application/json' }
  const requests: Parameters<typeof app.send>[2][] = [
    { body: typed(1) },
    { body: [typed(1), typed(2)] },
    { body: typed(1), headers: { 'mq-delay': '1h' } },
    { body: typed(1), headers: { 'mq-durability': 'replicas=9' } },
    { body: typed(1), headers: { 'mq-ttl': 'x' } },
    { body: typed(1), key: consumer },
    { body: typed(1), key: 'sc_000000000000_none' },
    { body: { data: 1 } },
    { body: '{', headers: json },
    { body: 'a=1', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    { body: `{"type":"t","data":"${'x'.repeat(1_100_000)}"}`, headers: json },
    { body: '{"type":"t"}\n', headers: { 'content-type': 'application/x-ndjson' } },
    {},
  ]
  const places = [path, '/v1/topics/nowhere/events', '/v1/topics/ai/events', '/v1/topics/a:b/events', `${path}/`]
  const said = async (at: string, given: Parameters<typeof app.send>[2]) => {
    const response = await app.send('POST', at, given)
    const { code } = (await response.json().catch(() => ({}))) as { code?: string }
    return [at.split('?')[0], response.status, code, response.headers.get('content-type')]
  }
  for (const given of requests)
    for (const at of places) expect(await said(at, given)).toEqual(await said(`${at}?atomic=false`, given))
})
