import { afterAll, beforeAll, expect, test } from 'bun:test'
import { auditRecord, recordText } from '@santaclaude/audit/record'
import { appendRecords, auditTopic, auditTopicSettings } from '@santaclaude/audit/recorder'
import { uuidv7 } from '@santaclaude/kit/ids'
import { quietHost } from '@santaclaude/service/host'
import { type House, realHouse, until } from '../house.fixture.ts'
import { type AuditStore, StoreError } from '../store/port.ts'
import { group } from './writer.ts'

let house: House
beforeAll(async () => {
  house = await realHouse()
  await house.store.prepare()
  await house.log.createTopic(auditTopic, auditTopicSettings)
})
afterAll(() => house.close())

let tenants = 0
const newTenant = () => `tenant-${tenants++}`
const idsOf = (records: { id: string }[]) => records.map(({ id }) => id)
const storedAll = (tenant: string, ids: string[]) =>
  until(async () => (await house.stored(tenant)).length >= ids.length)

/** The text of one metric of a host. */
const metric = async (host: ReturnType<typeof quietHost>, name: string) =>
  Number(new RegExp(`^sc_audit_sink_${name} (.*)$`, 'm').exec(await host.metrics.text())?.[1])

test('every record is stored once and in order, and the log may let go of it then', async () => {
  const tenant = newTenant()
  const before = await house.append(tenant, 700)
  const host = quietHost('audit-sink-service')
  const writer = house.startWriter({ host })
  const after = await house.append(tenant, 50)
  await storedAll(tenant, idsOf([...before, ...after]))
  expect(await house.stored(tenant)).toEqual(idsOf([...before, ...after]))
  await until(async () => (await house.log.lag(group)).ready === 0)
  expect(await metric(host, 'rows_total')).toBe(750)
  expect(await metric(host, 'lag_seconds')).toBe(0)
  await writer.close()
})

test('what is no record goes into quarantine with its reason and holds nothing up', async () => {
  const tenant = newTenant()
  const host = quietHost('audit-sink-service')
  const [good] = await house.append(tenant, 1)
  await house.appendPoison(tenant, '{"not":"a record"}')
  await house.appendPoison(
    tenant,
    ` ${recordText(auditRecord({ ...(good as NonNullable<typeof good>), id: crypto.randomUUID() }, { source: '/x', nowMs: 0 }))}`,
  )
  const [last] = await house.append(tenant, 1)
  const writer = house.startWriter({ host })
  await storedAll(tenant, ['', ''])
  expect(await house.stored(tenant)).toEqual(idsOf([good, last].filter((one) => one !== undefined)))
  const kept = await until(async () => {
    const found = await house.store.quarantined(tenant, { limit: 10 })
    return found.length === 2 ? found : undefined
  })
  expect(kept.map(({ reason }) => reason)).toEqual([
    '/ is not in canonical form',
    expect.stringContaining('/id must be'),
  ])
  expect(kept[1]?.text).toBe('{"not":"a record"}')
  expect(await metric(host, 'quarantined_total')).toBe(2)
  await writer.close()
})

test('a row the engine refuses is found among the others and goes into quarantine alone', async () => {
  const tenant = newTenant()
  const records = await house.append(tenant, 9)
  const bad = records[6]?.id
  const choosy: AuditStore = {
    ...house.store,
    insert: async (rows, token) => {
      if (rows.some(({ record }) => record.id === bad)) throw new StoreError('rejected', 'no such value')
      return house.store.insert(rows, token)
    },
  }
  const writer = house.startWriter({ store: choosy })
  await storedAll(tenant, idsOf(records).slice(1))
  const kept = await until(async () => (await house.store.quarantined(tenant, { limit: 10 })).at(0))
  expect(kept).toMatchObject({ eventId: bad, reason: 'the store refuses it: no such value' })
  expect(await house.stored(tenant)).toEqual(idsOf(records).filter((id) => id !== bad))
  await writer.close()
})

test('ClickHouse goes away in the middle and comes back: nothing is lost and nothing is double', async () => {
  const tenant = newTenant()
  const writer = house.startWriter()
  const ids = idsOf(await house.append(tenant, 300))
  await house.clickhouse.kill9()
  ids.push(...idsOf(await house.append(tenant, 300)))
  await house.clickhouse.restart()
  ids.push(...idsOf(await house.append(tenant, 10)))
  await storedAll(tenant, ids)
  expect(await house.stored(tenant)).toEqual(ids)
  await writer.close()
})

test('answers of the store that get lost cost a repetition and no more', async () => {
  const tenant = newTenant()
  await house.clickhouse.loseInsertAnswers(3)
  const writer = house.startWriter()
  const ids = idsOf(await house.append(tenant, 40))
  await storedAll(tenant, ids)
  await house.append(newTenant(), 1)
  expect(await house.stored(tenant)).toEqual(ids)
  await writer.close()
})

test('Redis is killed and comes back: the writer goes on by itself', async () => {
  const tenant = newTenant()
  const writer = house.startWriter()
  const ids = idsOf(await house.append(tenant, 200))
  await house.redisServer.kill9()
  await house.redisServer.restart()
  ids.push(...idsOf(await until(() => house.append(tenant, 20))))
  await storedAll(tenant, ids)
  expect(await house.stored(tenant)).toEqual(ids)
  await writer.close()
})

test('a writer that was replaced without knowing it stores nothing twice', async () => {
  const tenant = newTenant()
  const held: (() => void)[] = []
  let isHeld = true
  // Its inserts hang until released: as a process that is stopped in the middle and wakes up later.
  const frozen: AuditStore = {
    ...house.store,
    insert: async (rows, token) => {
      if (isHeld) await new Promise<void>((release) => held.push(release))
      return house.store.insert(rows, token)
    },
  }
  const zombie = house.startWriter({ store: frozen })
  const ids = idsOf(await house.append(tenant, 120))
  await until(async () => held.length > 0)
  await house.redis.del(...(await house.redis.keys('trial:writer:*')))
  const successor = house.startWriter()
  await storedAll(tenant, ids)
  isHeld = false
  for (const release of held) release()
  await zombie.close()
  ids.push(...idsOf(await house.append(tenant, 5)))
  await storedAll(tenant, ids)
  expect(await house.stored(tenant)).toEqual(ids)
  await successor.close()
})

test('two replicas share the partitions one at a time, and the other goes on when one stops', async () => {
  const tenant = newTenant()
  const one = house.startWriter()
  const other = house.startWriter()
  const ids = idsOf(await house.append(tenant, 60))
  await storedAll(tenant, ids)
  await one.close()
  ids.push(...idsOf(await house.append(tenant, 60)))
  await storedAll(tenant, ids)
  await other.close()
  expect(await house.stored(tenant)).toEqual(ids)
})

test('a record that comes again after the log forgot it is told from a new one, forever', async () => {
  const tenant = newTenant()
  const host = quietHost('audit-sink-service')
  const writer = house.startWriter({ host })
  const oldMs = Date.parse('2020-01-01T00:00:00.000Z')
  const entry = {
    tenant,
    actor: { type: 'user', id: 'a' },
    action: 'a.b',
    outcome: 'success',
    target: { type: 't', id: '1' },
  } as const
  const id = '016f5e66-e800-7000-8000-000000000001'
  const record = auditRecord({ ...entry, id }, { source: '/trial', nowMs: oldMs })
  const appendAnew = (one: typeof record) =>
    house.log.append(auditTopic, [
      { id: one.id, source: '/trial', type: 'x', partitionkey: tenant, dataJson: recordText(one) },
    ])
  await appendAnew(record)
  await storedAll(tenant, [id])
  await appendAnew(record)
  await appendAnew({ ...record, outcome: 'denied' })
  const kept = await until(async () => (await house.store.quarantined(tenant, { limit: 10 })).at(0))
  expect(kept).toMatchObject({ eventId: id, reason: 'another record of this tenant has this id' })
  expect(await house.stored(tenant)).toEqual([id])
  expect(await metric(host, 'duplicates_total')).toBe(1)
  await writer.close()
})

test('Redis loses its newest entries and gives out ids below the stored ones: the new records are stored all the same', async () => {
  const tenant = newTenant()
  const writer = house.startWriter()
  const ids = idsOf(await house.append(tenant, 10))
  await storedAll(tenant, ids)
  await until(async () => (await house.log.lag(group)).ready === 0)
  const last = ids.at(-1) ?? ''
  const next = uuidv7()
  // As after a crash with appendfsync everysec and a clock that was set back: the newest entries are gone, and the next
  // one comes under an id that is not beyond them.
  const moved = await house.redis.eval(
    `for _, key in ipairs(redis.call('KEYS', '*')) do
      if redis.call('TYPE', key).ok == 'stream' then
        local newest = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 6)
        if newest[1] and string.find(table.concat(newest[1][2], ' '), ARGV[1], 1, true) then
          for _, entry in ipairs(newest) do redis.call('XDEL', key, entry[1]) end
          local top = redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)[1][1]
          redis.call('XSETID', key, top)
          local ms, seq = string.match(top, '(%d+)-(%d+)')
          local fields = newest[1][2]
          for n, text in ipairs(fields) do fields[n] = string.gsub(text, (string.gsub(ARGV[1], '%-', '%%-')), ARGV[2]) end
          return redis.call('XADD', key, ms .. '-' .. string.format('%d', seq + 1), unpack(fields))
        end
      end
    end`,
    0,
    last,
    next,
  )
  expect(moved).toBeString()
  ids.push(next)
  await storedAll(tenant, ids)
  expect((await house.stored(tenant)).sort()).toEqual(ids.sort())
  await writer.close()
})

test('Redis loses everything: what comes then is stored beside what was', async () => {
  const tenant = newTenant()
  const writer = house.startWriter()
  const ids = idsOf(await house.append(tenant, 10))
  await storedAll(tenant, ids)
  await house.redis.flushall()
  ids.push(...idsOf(await until(() => house.append(tenant, 10))))
  await storedAll(tenant, ids)
  expect(await house.stored(tenant)).toEqual(ids)
  await writer.close()
})

test('records appended through the log of another process are the same to the writer', async () => {
  const tenant = newTenant()
  const writer = house.startWriter()
  const record = auditRecord(
    { tenant, actor: { type: 'key', id: 'k' }, action: 'a.b', outcome: 'failure', target: { type: 't', id: '1' } },
    { source: '/trial', nowMs: Date.now() },
  )
  expect(await appendRecords(house.log, [{ record }, { record }])).toEqual(['appended', 'duplicate'])
  await storedAll(tenant, [record.id])
  expect(await house.stored(tenant)).toEqual([record.id])
  await writer.close()
})
