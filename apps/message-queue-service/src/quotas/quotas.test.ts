import { expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { memoryLog } from '@santaclaude/log/memory'
import { Fault } from '@santaclaude/service/faults'
import { startApp } from '../app.fixture.ts'
import { Governor } from './governor.ts'
import { quotasInMemory } from './store/memory.ts'
import type { Limits, QuotaStore } from './store/port.ts'

const none: Limits = {
  ...{ eventsPerSecond: null, requestsPerSecond: null, storedEvents: null },
  ...{ topics: null, groupsPerTopic: null, streams: null },
}

/** A governor over a store that counts its calls, with a clock of its own. */
function governor(defaults: Partial<Limits>, change: (store: QuotaStore) => Partial<QuotaStore> = () => ({})) {
  let nowMs = 1_000
  let takes = 0
  const inner = quotasInMemory({ now: () => nowMs })
  const take: QuotaStore['take'] = (...given) => {
    takes++
    return inner.take(...given)
  }
  const store = { ...inner, take, ...change(inner) }
  const it = new Governor({ store, log: memoryLog(), defaults: { ...none, ...defaults }, nowMs: () => nowMs })
  return { it, store, takes: () => takes, pass: (ms: number) => (nowMs += ms) }
}

const refusal = async (attempt: () => void | Promise<void>) => {
  try {
    await attempt()
  } catch (error) {
    return error instanceof Fault ? error.code : String(error)
  }
  return undefined
}

test('ten thousand publishes cost a few questions to the store, and most of them do not even wait', async () => {
  const { it, takes } = governor({ eventsPerSecond: 100_000 })
  let waited = 0
  for (let n = 0; n < 10_000; n++) {
    const answer = it.publish('acme', 1)
    if (answer) {
      waited++
      await answer
    }
    if (n % 100 === 0) await pause(0)
  }
  expect(takes()).toBeLessThan(12)
  expect(waited).toBeLessThan(4)
})

test('a tenant gets its rate, then a 429 that says when to come back, and then its rate again', async () => {
  const { it, pass, takes } = governor({ eventsPerSecond: 10 })
  let published = 0
  while ((await refusal(() => it.publish('acme', 1))) === undefined) published++
  expect(published).toBe(10)
  const asked = takes()
  for (let n = 0; n < 50; n++) expect(await refusal(() => it.publish('acme', 1))).toBe('rate_limited')
  expect(takes()).toBe(asked)
  expect(await refusal(() => it.publish('other', 1))).toBeUndefined()
  pass(100)
  expect(await refusal(() => it.publish('acme', 1))).toBeUndefined()
})

test('a batch larger than the rate gets its turn, and is paid off before the next', async () => {
  const { it, pass } = governor({ eventsPerSecond: 100 })
  expect(await refusal(() => it.publish('acme', 500))).toBeUndefined()
  expect(await refusal(() => it.publish('acme', 1))).toBe('rate_limited')
  pass(3_000)
  expect(await refusal(() => it.publish('acme', 1))).toBe('rate_limited')
  pass(2_000)
  expect(await refusal(() => it.publish('acme', 1))).toBeUndefined()
})

test('replicas share one rate', async () => {
  const { it, store } = governor({ eventsPerSecond: 100 })
  const twin = new Governor({
    store,
    log: memoryLog(),
    defaults: { ...none, eventsPerSecond: 100 },
    nowMs: () => 1_000,
  })
  let published = 0
  for (const one of [it, twin]) while ((await refusal(() => one.publish('acme', 1))) === undefined) published++
  expect(published).toBe(100)
})

test('a store of quotas that is away refuses nobody', async () => {
  const { it } = governor({ eventsPerSecond: 1, topics: 0 }, () => ({
    take: () => Promise.reject(new Error('gone')),
    overrides: () => Promise.reject(new Error('gone')),
  }))
  for (let n = 0; n < 20; n++) expect(await refusal(() => it.publish('acme', 10))).toBeUndefined()
})

test('too many requests get 429 with its headers, and the platform’s own keys are not counted', async () => {
  const { send, keyOf } = await startApp({ limits: { requestsPerSecond: 3 } })
  const statuses: number[] = []
  for (let n = 0; n < 5; n++) statuses.push((await send('GET', '/v1/topics')).status)
  expect(statuses.slice(0, 3)).toEqual([200, 200, 200])
  const refused = await send('GET', '/v1/topics')
  expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true })
  expect(refused.headers.get('ratelimit-limit')).toBe('3')
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
  const internal = await keyOf(['internal', 'events:consume'])
  for (let n = 0; n < 10; n++) expect((await send('GET', '/v1/topics', { key: internal })).status).toBe(200)
})

test('too many topics, groups, streams or stored events get 429 quota_exceeded, and nothing is made', async () => {
  const { ask, send, log, quotas } = await startApp({
    limits: { topics: 1, groupsPerTopic: 1, streams: 1, storedEvents: 2 },
  })
  const code = async (...given: Parameters<typeof ask>) => {
    const { status, body } = await ask(...given)
    return status < 300 ? status : `${status} ${body.code}`
  }
  const refused = '429 quota_exceeded'
  expect(await code('PUT', '/v1/topics/a', { body: {} })).toBe(201)
  expect(await code('PUT', '/v1/topics/a', { body: {} })).toBe(200)
  expect(await code('PUT', '/v1/topics/b', { body: {} })).toBe(refused)
  expect((await log.topics('acme')).map(({ topic }) => topic).filter((topic) => topic !== 'mq')).toEqual(['a'])
  expect(await code('PUT', '/v1/topics/a/groups/g', { body: {} })).toBe(201)
  expect(await code('PUT', '/v1/topics/a/groups/h', { body: {} })).toBe(refused)
  const stream = await send('GET', '/v1/topics/a/stream')
  expect(await code('GET', '/v1/topics/a/stream')).toBe(refused)
  await stream.body?.cancel()
  while ((await quotas.use('acme')).use.streams > 0) await pause(1)
  const publish = () => code('POST', '/v1/topics/a/events', { body: [{ type: 't' }, { type: 't' }] })
  expect(await publish()).toBe(201)
  // The first look was under way when the first two came; later ones see them.
  const { it, pass } = governed(log, { storedEvents: 2 })
  await refusal(() => it.publish('acme', 1))
  await pause(5)
  expect(await refusal(() => it.publish('acme', 1))).toBe('quota_exceeded')
  pass(6_000)
  await log.deleteTopic({ tenant: 'acme', topic: 'a' })
  while ((await refusal(() => it.publish('acme', 1))) !== undefined) await pause(1)
})

function governed(log: ReturnType<typeof memoryLog>, defaults: Partial<Limits>) {
  let nowMs = 1_000
  const it = new Governor({ store: quotasInMemory(), log, defaults: { ...none, ...defaults }, nowMs: () => nowMs })
  return { it, pass: (ms: number) => (nowMs += ms) }
}

test('an internal key sets a tenant’s quotas; it is on the record, and the tenant sees them', async () => {
  const { ask, keyOf, audit } = await startApp({ limits: { topics: 10 } })
  const internal = await keyOf(['internal'], 'platform')
  expect((await ask('PUT', '/v1/quotas/acme', { body: { topics: 1 } })).status).toBe(403)
  const set = await ask('PUT', '/v1/quotas/acme', { key: internal, body: { topics: 1, streams: 7 } })
  expect(set).toMatchObject({
    status: 200,
    body: { tenant: 'acme', limits: { topics: 1, streams: 7, storedEvents: null } },
  })
  expect(audit.records).toContainEqual(
    expect.objectContaining({ action: 'mq.quota.changed', tenant: 'acme', target: { type: 'tenant', id: 'acme' } }),
  )
  await ask('PUT', '/v1/topics/a', { body: {} })
  expect((await ask('GET', '/v1/quotas')).body).toMatchObject({
    tenant: 'acme',
    limits: { topics: 1 },
    use: { topics: 1 },
  })
  expect((await ask('PUT', '/v1/topics/b', { body: {} })).status).toBe(429)
  await ask('PUT', '/v1/quotas/acme', { key: internal, body: {} })
  expect((await ask('PUT', '/v1/topics/b', { body: {} })).status).toBe(201)
  expect((await ask('PUT', '/v1/quotas/acme', { key: internal, body: { topics: -1 } })).status).toBe(422)
})
