import { afterAll, beforeAll, expect, test } from 'bun:test'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { Batcher } from './batcher.ts'
import type { EventLog, NewEvent } from './port.ts'
import { openLog } from './redis-streams.ts'

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

const limits = { itemsMax: 256, sizeMax: 256 * 1_024, inFlightMax: 2, waitingSizeMax: 64 * 1_048_576 }

test('behind a hundred thousand appends of one tenant, another’s leave with the next batch', async () => {
  const batches: string[][] = []
  const { promise: done, resolve } = Promise.withResolvers<void>()
  let left = 100_010
  const batcher = new Batcher<string>(async (items) => {
    batches.push(items)
    await Promise.resolve()
    left -= items.length
    if (left === 0) resolve()
  }, limits)
  for (let n = 0; n < 100_000; n++) batcher.add('noisy', { size: 10, lane: 'noisy' })
  for (let n = 0; n < 10; n++) batcher.add(`quiet${n}`, { size: 10, lane: 'quiet' })
  await done
  expect(batches[0]?.filter((item) => item !== 'noisy')).toEqual(Array.from({ length: 10 }, (_, n) => `quiet${n}`))
})

test('a tenant that fills the line leaves room for others', () => {
  const batcher = new Batcher<string>(() => new Promise(() => {}), limits)
  const size = 1_048_576
  while (batcher.hasRoom(size, 'noisy')) batcher.add('noisy', { size, lane: 'noisy' })
  expect(batcher.hasRoom(size, 'noisy')).toBe(false)
  expect(batcher.hasRoom(size, 'quiet')).toBe(true)
})

const some = (count: number): NewEvent[] =>
  Array.from({ length: count }, (_, n) => ({ id: `${n}`, source: '/x', type: 't', dataJson: '1' }))

test('a tenant that pulls for hundreds of groups does not stand before another’s one', async () => {
  const noisy = { tenant: 'noisy', topic: 'backlog' }
  const quiet = { tenant: 'quiet', topic: 'little', group: 'g' }
  await log.createTopic(noisy, { partitions: 1 })
  await log.append(noisy, some(200))
  await log.append(quiet, some(1), { create: true })
  const groups = Array.from({ length: 150 }, (_, n) => ({ ...noisy, group: `g${n}` }))
  for (const group of [...groups, quiet]) await log.putGroup(group)
  const order: string[] = []
  const pull = (group: typeof quiet) =>
    log.pull(group, { max: 100, waitMs: 10_000 }).then(() => order.push(group.tenant))
  await Promise.all([...groups.map(pull), pull(quiet)])
  expect(order).toHaveLength(151)
  // The rounds that were under way when it came, and then its turn.
  expect(order.indexOf('quiet')).toBeLessThan(75)
})
