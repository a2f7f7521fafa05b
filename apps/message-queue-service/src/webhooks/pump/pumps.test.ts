import { afterEach, describe, expect, test } from 'bun:test'
import type { EventLog, NewEvent } from '@santaclaude/log/port'
import { Webhook } from 'standardwebhooks'
import { changed } from '../change-one.ts'
import { groupOf, recoveryGroupOf } from '../group.ts'
import {
  type HookHouse,
  type HookHouseOptions,
  hookHouse,
  newEvent,
  quickPumps,
  subscribed,
  until,
} from '../hooks.fixture.ts'
import type { Endpoint } from '../sender/memory.ts'
import type { Outgoing } from '../sender/port.ts'
import type { Subscription } from '../store/port.ts'
import type { PumpsOptions } from './pumps.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const numberOf = ({ body }: Outgoing) => (JSON.parse(Buffer.from(body).toString()) as { data: { n: number } }).data.n

/** A house with one subscription, its pumps running, and what its endpoint got. */
async function running(
  more: Partial<Subscription> = {},
  {
    answer = () => ({ status: 200 }),
    house = hookHouse(),
    pumps: options,
  }: { answer?: Endpoint; house?: HookHouse; pumps?: PumpsOptions } = {},
) {
  const got: Outgoing[] = []
  const { made, secret } = await subscribed(house, more)
  house.endpoints.set(made.url, (outgoing) => {
    got.push(outgoing)
    return answer(outgoing)
  })
  const pumps = quickPumps(house, options)
  closing.push(() => pumps.close())
  const publish = (events: NewEvent[]) => house.log.append(made, events)
  const numbers = () => got.map(numberOf)
  const now = () => house.hooks.store.subscriptions.find(made)
  const attempts = () => house.hooks.store.attempts.list(made, { limit: 100 })
  const lag = () => house.log.lag(groupOf(made))
  const settled = () =>
    until(async () => {
      const { ready, leased, parked } = await lag()
      return ready + leased + parked === 0
    })
  return { house, made, secret, got, numbers, pumps, publish, now, attempts, lag, settled }
}

const range = (length: number, from = 0) => Array.from({ length }, (_, n) => n + from)
const sorted = (numbers: number[]) => numbers.toSorted((a, b) => a - b)
const eventsOn = async (log: EventLog, tenant = 'acme') => {
  const page = await log
    .read({ tenant, topic: 'mq' }, { from: { at: 'earliest' }, limit: 1_000 })
    .catch(() => undefined)
  return page?.entries.map(({ event }) => event) ?? []
}

describe('a message', () => {
  test('arrives signed, once, and is settled', async () => {
    const { publish, got, settled, made, house, attempts, secret } = await running()
    await publish(range(50).map((n) => newEvent(n)))
    await until(() => got.length === 50)
    await settled()
    expect(sorted(got.map(numberOf))).toEqual(range(50))
    const [one] = got as [Outgoing]
    expect(one.headers).toMatchObject({
      'content-type': 'application/cloudevents+json; charset=utf-8',
      'user-agent': 'Santaclaude-Webhooks/0.0.0',
    })
    expect(() => new Webhook(secret).verify(Buffer.from(one.body), one.headers)).not.toThrow()
    const kept = await until(async () => {
      const all = await attempts()
      return all.length === 50 && all
    })
    expect(kept[0]).toMatchObject({ result: 'delivered', status: 200, trigger: 'event', number: 1, url: made.url })
    expect(new Set(kept.map(({ webhookId }) => webhookId)).size).toBe(50)
    expect(house.warnings).toEqual([])
  })

  test('comes again by its schedule under the same id with a new signature, then is dead', async () => {
    const { publish, got, lag, made, attempts, house } = await running(
      { retryMs: [0, 0, 0] },
      { answer: () => ({ status: 500, text: 'no' }) },
    )
    await publish([newEvent(1)])
    await until(async () => (await lag()).dead === 1)
    expect(got).toHaveLength(4)
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    const [letter] = (await house.log.deadLetters(groupOf(made), { limit: 1 })).letters
    expect(letter?.reason).toBe('4 attempts failed, the last one with 500')
    const all = await until(async () => {
      const kept = await attempts()
      return kept.length === 4 && kept
    })
    expect(all.map(({ number, result, response }) => [number, result, response])).toEqual([
      [4, 'dead', 'no'],
      [3, 'pending', 'no'],
      [2, 'pending', 'no'],
      [1, 'pending', 'no'],
    ])
    const died = await until(async () => (await eventsOn(house.log)).find(({ type }) => type === 'mq.delivery.died'))
    expect(JSON.parse(died.dataJson ?? '')).toEqual({ topic: 'orders', group: made.group, count: 1 })
    expect(await house.hooks.store.attempts.tally(made, `${made.group}/0/${letter?.entry.streamId}`)).toBe(0)
  })

  test('that fails and then succeeds is delivered, and its count is forgotten', async () => {
    let calls = 0
    const { publish, settled, attempts, house, made, got } = await running(
      { retryMs: [0, 0] },
      { answer: () => ({ status: ++calls < 3 ? 503 : 200 }) },
    )
    const [place] = await publish([newEvent(1)])
    await until(() => got.length === 3)
    await settled()
    const all = await until(async () => {
      const kept = await attempts()
      return kept.length === 3 && kept
    })
    expect(all.map(({ number, result }) => [number, result])).toEqual([
      [3, 'delivered'],
      [2, 'pending'],
      [1, 'pending'],
    ])
    if (!place?.ok) throw new Error('not appended')
    const name = `${made.group}/${place.partition}/${place.streamId}`
    expect(await house.hooks.store.attempts.tally(made, name)).toBe(0)
  })

  test('of a type nobody asked for is settled unsent, however many there are', async () => {
    const { publish, numbers, settled } = await running({ types: ['order.*'] })
    const types = ['order.placed', 'invoice.sent', 'invoice.paid', 'invoice.lost']
    await publish(range(400).map((n) => newEvent(n, { type: types[n % 4] ?? '' })))
    await settled()
    expect(sorted(numbers())).toEqual(range(100).map((n) => 4 * n))
  })
})

describe('an endpoint', () => {
  test('never has more messages on their way than it wants', async () => {
    let inside = 0
    let most = 0
    const { publish, got, settled } = await running(
      { concurrency: 3 },
      {
        answer: async () => {
          most = Math.max(most, ++inside)
          await new Promise((done) => setTimeout(done, 3))
          inside--
          return { status: 200 }
        },
      },
    )
    await publish(range(60).map((n) => newEvent(n)))
    await settled()
    expect(got).toHaveLength(60)
    expect(most).toBe(3)
  })

  test('that keeps failing is left alone, probed with one message, and gets everything once it is well', async () => {
    let isWell = false
    const { publish, got, lag, settled, house, made } = await running(
      { retryMs: range(20).map(() => 0), concurrency: 8 },
      { answer: () => (isWell ? { status: 200 } : { failure: 'connection_refused' }) },
    )
    await publish(range(30).map((n) => newEvent(n)))
    const open = await until(async () => {
      const condition = await house.hooks.store.duties.condition(made)
      return (condition?.trips ?? 0) >= 3 && condition
    })
    expect(open.openUntilMs).toBeNumber()
    // Five failures opened it (those under way with them may follow), then one probe for each time it opened again.
    expect(got.length).toBeLessThanOrEqual(13 + open.trips)
    const { ready, leased, parked } = await lag()
    expect(ready + leased + parked).toBe(30)
    isWell = true
    await settled()
    expect(new Set(got.map(numberOf)).size).toBe(30)
    expect(await house.hooks.store.duties.condition(made)).toMatchObject({ trips: 0, openUntilMs: null })
    expect(await house.metricsText()).toMatch(/webhook_circuit_opened_total [3-9]/)
  })

  test('that asks to be left alone is, by every message', async () => {
    let isBusy = true
    const { publish, got, house, made, settled } = await running(
      { concurrency: 2, retryMs: [0, 0, 0, 0] },
      { answer: () => (isBusy ? { status: 429, retryAfter: '1' } : { status: 200 }) },
    )
    await publish(range(20).map((n) => newEvent(n)))
    const held = await until(async () => {
      const condition = await house.hooks.store.duties.condition(made)
      return condition?.holdUntilMs && condition
    })
    expect(held).toMatchObject({ failures: 0, openUntilMs: null })
    isBusy = false
    await settled()
    // At most what was on its way when it said so was sent in vain.
    expect(got.length).toBeLessThanOrEqual(22)
  })

  test('that says it is gone ends its subscription, on the record, and loses nothing', async () => {
    const { publish, got, now, lag, house, made } = await running({}, { answer: () => ({ status: 410 }) })
    await publish(range(3).map((n) => newEvent(n)))
    await until(async () => (await now())?.status === 'disabled')
    expect((await now())?.disabled).toMatchObject({ reason: 'gone' })
    await until(async () => (await lag()).leased === 0)
    const { ready, parked, dead } = await lag()
    expect({ unsettled: ready + parked, dead }).toEqual({ unsettled: 3, dead: 0 })
    expect(got.length).toBeLessThanOrEqual(3)
    expect(house.audit.records.map(({ action, actor }) => [action, actor.id])).toEqual([
      ['mq.subscription.disabled', 'message-queue-service'],
    ])
    const event = await until(async () => (await eventsOn(house.log))[0])
    expect(event.type).toBe('mq.subscription.disabled')
    expect(JSON.parse(event.dataJson ?? '')).toMatchObject({ subscription: made.id, reason: 'gone' })
  })

  test('that only failed for too long is disabled, and goes on where it was when it is enabled', async () => {
    let isWell = false
    const { publish, now, settled, house, made, pumps, numbers } = await running(
      { disableAfterMs: 50, retryMs: range(100).map(() => 5) },
      { answer: () => ({ status: isWell ? 200 : 500 }) },
    )
    await publish(range(5).map((n) => newEvent(n)))
    await until(async () => (await now())?.status === 'disabled')
    expect((await now())?.disabled).toMatchObject({ reason: 'failing' })
    await publish([newEvent(5)])
    isWell = true
    const enabledAtMs = house.hooks.clock.now()
    await changed(house.hooks.store, made, (sub) => ({ ...sub, status: 'enabled', disabled: null, enabledAtMs }))
    pumps.nudge(made)
    await settled()
    expect(sorted([...new Set(numbers())])).toEqual(range(6))
  })

  test('is not disabled without a record; the next failure tries again', async () => {
    const { publish, now, house } = await running(
      { retryMs: range(50).map(() => 5) },
      { answer: () => ({ status: 410 }) },
    )
    house.audit.isAway = true
    await publish([newEvent(1), newEvent(2)])
    await until(() => house.warnings.length > 0)
    expect((await now())?.status).toBe('enabled')
    house.audit.isAway = false
    await publish([newEvent(3)])
    await until(async () => (await now())?.status === 'disabled')
  })
})

describe('a change takes effect while it runs', () => {
  test('of the endpoint, the types and the mode', async () => {
    const { publish, got, house, made, pumps, settled } = await running()
    await publish([newEvent(1)])
    await settled()
    const elsewhere: Outgoing[] = []
    house.endpoints.set('https://endpoint.test/new', (outgoing) => {
      elsewhere.push(outgoing)
      return { status: 200 }
    })
    await changed(house.hooks.store, made, (now) => ({
      ...now,
      url: 'https://endpoint.test/new',
      types: ['invoice.sent'],
      mode: 'binary',
    }))
    pumps.nudge(made)
    await until(async () => {
      await publish([newEvent(2), newEvent(3, { type: 'invoice.sent' })])
      return elsewhere.some(({ headers }) => headers['ce-type'] === 'invoice.sent')
    })
    expect(Buffer.from(elsewhere.at(-1)?.body ?? '').toString()).toBe('{"n":3}')
    expect(got.length).toBeGreaterThan(0)
  })

  test('a deleted subscription takes its groups and its attempts along', async () => {
    const { publish, settled, house, made, pumps } = await running()
    await publish([newEvent(1)])
    await settled()
    await changed(house.hooks.store, made, (now) => ({ ...now, status: 'deleting' }))
    pumps.nudge(made)
    await until(async () => (await house.hooks.store.subscriptions.everywhere()).length === 0)
    expect(await house.log.groups(made)).toEqual([])
  })

  test('a group that goes with its subscription is not made again by a pump that does not know yet', async () => {
    const { house, made } = await running({}, { pumps: { everyMs: 60_000, holdMs: 600_000 } })
    await until(async () => (await house.metricsText()).includes('webhook_pumps 1'))
    await changed(house.hooks.store, made, (now) => ({ ...now, status: 'deleting' }))
    const { subscriptions } = house.hooks.store
    const { find } = subscriptions
    let looks = 0
    subscriptions.find = (address) => {
      looks++
      return find(address)
    }
    await house.log.deleteGroup(groupOf(made))
    // It asks before it makes a group; that it asked again after the first answer shows that it made none in between.
    await until(() => looks > 1)
    expect(await house.log.group(groupOf(made))).toBeUndefined()
  })

  test('a group that somebody removed is made again, and goes on with what comes', async () => {
    const { publish, settled, house, made, numbers } = await running()
    await publish([newEvent(1)])
    await settled()
    await house.log.deleteGroup(groupOf(made))
    await until(async () => house.log.group(groupOf(made)))
    await publish([newEvent(2)])
    await until(() => numbers().includes(2))
    expect(numbers()).toEqual([1, 2])
  })

  test('a topic that was deleted disables it', async () => {
    const { publish, settled, house, made, now } = await running()
    await publish([newEvent(1)])
    await settled()
    await house.log.deleteTopic(made)
    await until(async () => (await now())?.disabled?.reason === 'topic_deleted')
  })
})

test('a recovery sends everything since a time again, by the same filter, and then is over', async () => {
  const { publish, numbers, settled, house, made, pumps, now, attempts } = await running({ types: ['order.*'] })
  await publish(range(10).map((n) => newEvent(n)))
  await publish([newEvent(99, { type: 'invoice.sent' })])
  await settled()
  const [, , third] = (await house.log.read(made, { from: { at: 'earliest' }, limit: 100 })).entries
  const sinceMs = Number(third?.streamId.split('-')[0])
  const untilMs = await house.hooks.store.subscriptions.nowMs()
  const expected = (await house.log.read(made, { from: { sinceMs }, limit: 100 })).entries.length - 1
  await changed(house.hooks.store, made, (sub) => ({
    ...sub,
    recovery: { sinceMs, untilMs, state: 'running', startedAtMs: untilMs, endedAtMs: null, failed: 0 },
  }))
  pumps.nudge(made)
  await until(async () => (await now())?.recovery?.state === 'finished')
  expect(numbers()).toHaveLength(10 + expected)
  expect(numbers()).not.toContain(99)
  expect(await house.log.group(recoveryGroupOf(made))).toBeUndefined()
  const again = (await attempts()).filter(({ trigger }) => trigger === 'recovery')
  expect(again).toHaveLength(expected)
  const ids = new Map((await attempts()).map(({ event, webhookId }) => [event.id, webhookId]))
  expect(again.every(({ event, webhookId }) => ids.get(event.id) === webhookId)).toBe(true)
})

test('a subscription disabled for too long lets go of its events, and says so', async () => {
  const house = hookHouse({ policy: { keepDisabledMs: 0 } })
  const { now, made } = await running(
    { status: 'disabled', disabled: { reason: 'requested', atMs: 1, isReleased: false } },
    { house },
  )
  await until(async () => (await now())?.disabled?.isReleased)
  const event = await until(async () => (await eventsOn(house.log))[0])
  expect(event.type).toBe('mq.subscription.released')
  expect(await house.log.group(groupOf(made))).toBeUndefined()
})

describe('replicas', () => {
  const two = async (options: HookHouseOptions = {}) => {
    const first = hookHouse(options)
    const second = hookHouse({ ...options, log: first.log, store: first.hooks.store, sender: first.hooks.sender })
    const got: string[] = []
    const all = await Promise.all(range(12).map(() => subscribed(first, { topic: 'orders' })))
    const made = all.map((one) => one.made)
    for (const { url } of made)
      first.endpoints.set(url, () => {
        got.push(url)
        return { status: 200 }
      })
    return { first, second, got, made }
  }
  const pumpsOf = async (house: HookHouse) => Number(/webhook_pumps (\d+)/.exec(await house.metricsText())?.[1] ?? 0)

  test('share the subscriptions, and each has one owner', async () => {
    const { first, second, got, made } = await two()
    for (const house of [first, second]) {
      const pumps = quickPumps(house)
      closing.push(() => pumps.close())
    }
    await until(async () => (await pumpsOf(first)) + (await pumpsOf(second)) === 12 && (await pumpsOf(second)) > 0)
    await first.log.append(made[0] as Subscription, [newEvent(1)])
    await until(() => got.length === 12)
    expect(new Set(got).size).toBe(12)
  })

  test('one that goes hands its share over at once', async () => {
    const { first, second, got, made } = await two()
    const pumps = quickPumps(first)
    const others = quickPumps(second)
    closing.push(() => others.close())
    await until(async () => (await pumpsOf(first)) > 0 && (await pumpsOf(second)) > 0)
    await pumps.close()
    await until(async () => (await pumpsOf(second)) === 12)
    await first.log.append(made[0] as Subscription, [newEvent(1)])
    await until(() => got.length === 12)
    expect(new Set(got).size).toBe(12)
  })
})

test('a stop lets what is on its way arrive and gives the rest back unattempted', async () => {
  let release = () => {}
  const held = new Promise<void>((done) => {
    release = done
  })
  let arrived = 0
  const { publish, lag, pumps, attempts, got } = await running(
    { concurrency: 4 },
    {
      answer: async () => {
        arrived++
        await held
        return { status: 200 }
      },
    },
  )
  await publish(range(10).map((n) => newEvent(n)))
  await until(() => arrived === 4)
  const closed = pumps.close()
  release()
  await closed
  expect(got).toHaveLength(4)
  const { ready, leased, parked } = await lag()
  expect({ unsettled: ready + parked, leased }).toEqual({ unsettled: 6, leased: 0 })
  expect(await attempts()).toHaveLength(4)
})
