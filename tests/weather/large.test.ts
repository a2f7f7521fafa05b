import { afterEach, expect, test } from 'bun:test'
import { openLog } from '@santaclaude/log/redis-streams'
import { Bus } from './bus.ts'
import { check } from './check.ts'
import type { Act } from './history.ts'
import { bounds } from './liveness-rules.ts'
import { planOf, runHistory, tenants } from './run-history.ts'
import { startWorld, type World } from './world.ts'

const open: World[] = []
afterEach(async () => {
  for (const world of open.splice(0)) await world.close()
}, 30_000)

async function start(names: string[]): Promise<World> {
  const world = await startWorld(names)
  open.push(world)
  return world
}

test('with ten thousand topics and their groups, and Redis killed among them, no promise is broken', async () => {
  const world = await start(tenants)
  const { host = '127.0.0.1', port } = world.redis.options
  const log = openLog({ redisUrl: `redis://${host}:${port}` })
  for (let first = 0; first < 10_000; first += 100)
    await Promise.all(
      Array.from({ length: 100 }, async (_, n) => {
        const address = { tenant: 'crowd', topic: `topic-${first + n}` }
        await log.createTopic(address, { partitions: 1 })
        await log.putGroup({ ...address, group: 'workers' })
        await log.append(address, [{ id: '1', source: '/crowd', type: 'crowd.event.sent' }])
      }),
    )
  await log.close()
  const seed = Number(process.env.WEATHER_SEED ?? 10_000)
  const slack = Number(process.env.WEATHER_SLACK ?? 3)
  expect(check(await runHistory(world, planOf(seed, ['redis killed'])), bounds(slack))).toEqual([])
}, 240_000)

test('payloads of a mebibyte come through whole, many at once; a larger one is refused and nothing of it is kept', async () => {
  const [tenant = ''] = tenants
  const world = await start([tenant])
  const acts: Act[] = []
  const bus = new Bus(world.keyOf, acts)
  const [one, other] = world.members as [World['members'][number], World['members'][number]]
  const at = { tenant, topic: 'large' }
  await bus.ask(`${one.url}/v1/topics/large`, tenant, { method: 'PUT', body: { partitions: 1 } })
  await bus.ask(`${one.url}/v1/topics/large/groups/workers`, tenant, { method: 'PUT', body: {} })
  const nearlyMebibyte = 1_048_576 - 300
  const sent = Array.from({ length: 32 }, (_, n) => ({ id: `large-${n}`, bytes: nearlyMebibyte }))
  const published = await Promise.all(sent.map((event) => bus.publish(one.url, at, [event])))
  expect(new Set(published.map(({ outcome }) => outcome))).toEqual(new Set(['ok']))
  const refused = await bus.publish(one.url, at, [{ id: 'larger', bytes: 1_048_576 }])
  expect(refused).toMatchObject({ outcome: 'refused', code: 'event_too_large' })

  const { body } = await bus.ask(`${other.url}/v1/topics/large/groups/workers/pull`, tenant, { body: { max: 100 } })
  const events = body.deliveries.map(({ event }: { event: { id: string; data: { filler: string } } }) => event)
  expect(events.map(({ id }: { id: string }) => id).toSorted()).toEqual(sent.map(({ id }) => id).toSorted())
  for (const { data } of events) expect(data.filler.length).toBe(nearlyMebibyte)
}, 60_000)
