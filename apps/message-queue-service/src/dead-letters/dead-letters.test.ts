import { afterAll, beforeAll, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import type { EventLog } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import type { Redis } from 'ioredis'
import { agendasInRedis } from '../agenda/redis.ts'
import { startApp } from '../app.fixture.ts'
import { stepRedrives } from './redriving.ts'

let server: TestRedis
let redis: Redis
let log: EventLog
let agendas: ReturnType<typeof agendasInRedis>
beforeAll(async () => {
  server = await startRedis({ appendfsync: 'always' })
  redis = openRedis(server.url, { name: 'test' })
  agendas = agendasInRedis(redis)
  log = openLog({ redisUrl: server.url, trimEveryMs: 0 })
})
afterAll(async () => {
  await log.close()
  redis.disconnect()
  await server.close()
})

let made = 0
/** A group with this many dead letters on a real Redis, half of them for another reason and of another type. */
async function withDead(count: number) {
  const app = await startApp({ log, ...agendas })
  const topic = `orders-${++made}`
  const group = `/v1/topics/${topic}/groups/billing`
  const at = `${group}/dead-letters`
  await app.ask('PUT', `/v1/topics/${topic}`, { body: { partitions: 2 } })
  await app.ask('PUT', group, { body: {} })
  const body = Array.from({ length: count }, (_, n) => ({ type: n % 2 ? 'shop.odd' : 'shop.even', data: { n } }))
  await app.ask('POST', `/v1/topics/${topic}/events`, { body })
  const pull = async (): Promise<{ receipt: string; event: { data: { n: number }; id: string } }[]> =>
    (await app.ask('POST', `${group}/pull`, { body: { max: 1_000 } })).body.deliveries
  const settle = (settlements: Record<string, unknown>[]) =>
    app.ask('POST', `${group}/settle`, { body: { settlements } })
  const kill = async () => {
    const deliveries = await pull()
    if (deliveries.length > 0)
      await settle(
        deliveries.map(({ receipt, event }) => ({ receipt, op: 'term', reason: event.data.n % 2 ? 'odd' : 'timeout' })),
      )
    return deliveries.length
  }
  for (let left = count; left > 0; ) left -= await kill()
  const list = async (query = '') => (await app.ask('GET', `${at}${query}`)).body.deadLetters
  const redrive = (wish: Record<string, unknown>) => app.ask('POST', `${at}/redrive`, { body: wish })
  const progress = async (id: string) => (await app.ask('GET', `${at}/redrives/${id}`)).body
  /** Upkeep until the redrive is over. */
  const finish = async (id: string, ports = app) => {
    for (;;) {
      await stepRedrives(ports)
      const now = await progress(id)
      if (now.state !== 'running') return now
      await pause(20)
    }
  }
  return { ...app, topic, at, group, pull, settle, list, redrive, progress, finish }
}

test('dead letters are listed page by page, by type, reason and time', async () => {
  const { ask, at, list } = await withDead(9)
  const first = await ask('GET', `${at}?limit=4&order=oldest`)
  expect(first.body.deadLetters).toHaveLength(4)
  const second = await ask('GET', `${at}?limit=20&order=oldest&after=${first.body.next}`)
  expect(second.body.deadLetters).toHaveLength(5)
  expect(second.body.next).toBeUndefined()
  expect(await list('?type=shop.odd')).toHaveLength(4)
  expect(await list('?reason=time')).toHaveLength(5)
  expect(await list('?where=data.n%20%3E%3D%207')).toHaveLength(2)
  expect(await list('?since=2100-01-01T00:00:00Z')).toEqual([])
  expect((await ask('GET', `${at}?after=nonsense`)).body).toMatchObject({ code: 'bad_cursor' })
  expect((await ask('GET', `${at}?where=((`)).body).toMatchObject({ code: 'invalid_filter' })
  expect((await ask('GET', `${at}?order=upside`)).status).toBe(422)
})

test('a dead letter is deleted for good, one or those that fit', async () => {
  const { ask, at, list, audit } = await withDead(5)
  const [first] = await list()
  expect((await ask('DELETE', `${at}/${first.id}`)).status).toBe(204)
  expect((await ask('DELETE', `${at}/${first.id}`)).body).toMatchObject({ code: 'dead_letter_not_found' })
  const left = (await list('?type=shop.odd')).length
  expect((await ask('DELETE', `${at}?type=shop.odd`)).body).toEqual({ deleted: left, isMore: false })
  expect((await list()).length).toBe(4 - left)
  expect(audit.records.map(({ action }) => action)).toContain('mq.dead-letter.deleted')
})

test('a dry run says what would move and moves nothing', async () => {
  const { redrive, list } = await withDead(14)
  const { status, body } = await redrive({ reason: 'timeout', dryRun: true })
  expect(status).toBe(200)
  expect(body).toMatchObject({ count: 7, isCountComplete: true })
  expect(body.sample).toHaveLength(7)
  expect(await list()).toHaveLength(14)
})

test('a redrive moves what fits back into the group, is on the record, and says how far it is', async () => {
  const { redrive, finish, list, pull, audit, ask, at, topic } = await withDead(10)
  const { status, body } = await redrive({ types: ['shop.even'] })
  expect(status).toBe(202)
  expect(await finish(body.redrive)).toMatchObject({ state: 'done', moved: 5, topic, group: 'billing' })
  expect(await list()).toHaveLength(5)
  expect((await pull()).map(({ event }) => event.data.n).toSorted()).toEqual([0, 2, 4, 6, 8])
  expect((await ask('GET', `${at}/redrives`)).body.redrives).toMatchObject([{ redrive: body.redrive, moved: 5 }])
  expect(audit.records).toContainEqual(
    expect.objectContaining({ action: 'mq.dead-letter.redriven', target: { type: 'group', id: `${topic}/billing` } }),
  )
  const told = (await ask('GET', '/v1/topics/mq/events?limit=1000')).body.events
  expect(told.map(({ event }: { event: { data: { redrive?: string } } }) => event.data.redrive)).toContain(body.redrive)
})

test('what dies again while a redrive runs is not redriven for ever', async () => {
  const { redrive, list, pull, settle, progress, redrives, ...app } = await withDead(6)
  const { body } = await redrive({ ratePerSecond: 3 })
  while ((await progress(body.redrive)).state === 'running') {
    await stepRedrives({ ...app, redrives })
    const again = await pull()
    if (again.length > 0) await settle(again.map(({ receipt }) => ({ receipt, op: 'term' })))
    await pause(20)
  }
  expect((await progress(body.redrive)).moved).toBe(6)
  expect(await list()).toHaveLength(6)
})

test('a redrive keeps to its rate, and can be stopped', async () => {
  const { redrive, list, progress, ask, at, ...app } = await withDead(8)
  const { body } = await redrive({ ratePerSecond: 3 })
  await stepRedrives(app)
  await stepRedrives(app)
  expect((await progress(body.redrive)).moved).toBe(3)
  expect((await ask('DELETE', `${at}/redrives/${body.redrive}`)).body).toMatchObject({ state: 'stopped', moved: 3 })
  await pause(1_100)
  await stepRedrives(app)
  expect(await list()).toHaveLength(5)
})

test('to another topic: each letter once, under its old id', async () => {
  const { redrive, finish, ask, list } = await withDead(4)
  await ask('PUT', '/v1/topics/second-try', { body: {} })
  const ids = (await list()).map(({ event }: { event: { id: string } }) => event.id).toSorted()
  const { body } = await redrive({ target: 'second-try' })
  expect(await finish(body.redrive)).toMatchObject({ state: 'done', moved: 4, target: 'second-try' })
  const { events } = (await ask('GET', '/v1/topics/second-try/events')).body
  expect(events.map(({ event }: { event: { id: string } }) => event.id).toSorted()).toEqual(ids)
  expect(events[0].event.mqoriginalid).toMatch(/^\d+-\d+$/)
  expect((await redrive({ target: 'nowhere' })).body).toMatchObject({ code: 'topic_not_found' })
  expect((await redrive({ target: 'mq' })).status).toBe(403)
})

test('after kill -9 of Redis in the middle, and with two owners in turn, each letter moved once and the count is exact', async () => {
  const { redrive, finish, progress, pull, list, ...app } = await withDead(400)
  const { body } = await redrive({ ratePerSecond: 150 })
  const other = { ...app, ...agendasInRedis(redis) }
  const moving = (async () => {
    while ((await progress(body.redrive)).moved < 150) await stepRedrives(app).catch(() => {})
  })().catch(() => {})
  await pause(30)
  await server.kill9()
  await moving
  await server.restart()
  // The first owner is gone for good; the second takes over when its ownership ends.
  let last: { state: string; moved: number } | undefined
  while (last?.state !== 'done') {
    await stepRedrives(other).catch(() => {})
    last = await progress(body.redrive).catch(() => undefined)
    await pause(50)
  }
  expect(last.moved).toBe(400)
  expect(await list()).toEqual([])
  const seen: number[] = []
  while (seen.length < 400) seen.push(...(await pull()).map(({ event }) => event.data.n))
  expect(new Set(seen).size).toBe(400)
  expect(await pull()).toEqual([])
}, 30_000)

test('nothing of one tenant is found, moved or stopped by another', async () => {
  const { redrive, ask, keyOf, at } = await withDead(1)
  const { body } = await redrive({})
  const key = await keyOf(undefined, 'other')
  expect((await ask('GET', at, { key })).status).toBe(404)
  expect((await ask('GET', `${at}/redrives/${body.redrive}`, { key })).status).toBe(404)
  expect((await ask('DELETE', `${at}/redrives/${body.redrive}`, { key })).status).toBe(404)
})
