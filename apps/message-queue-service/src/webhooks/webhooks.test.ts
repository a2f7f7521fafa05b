import { describe, expect, test } from 'bun:test'
import { Webhook } from 'standardwebhooks'
import { startApp } from '../app.fixture.ts'
import { newEvent, quickPumps, until } from './hooks.fixture.ts'
import type { MemorySender } from './sender/memory.ts'
import type { Outgoing } from './sender/port.ts'

const url = 'https://endpoint.test/hooks'

/** The app with a topic, one subscription to it, and what its endpoint got. */
async function house(wish: Record<string, unknown> = {}) {
  const app = await startApp()
  const got: Outgoing[] = []
  let status = 200
  const sender = app.hooks.sender as MemorySender
  sender.endpoints.set(url, (outgoing) => {
    got.push(outgoing)
    return { status, text: 'thanks' }
  })
  await app.ask('PUT', '/v1/topics/orders', { body: {} })
  const created = await app.ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url, ...wish } })
  const path = `/v1/subscriptions/${created.body.id}`
  const answer = (next: number) => {
    status = next
  }
  return { ...app, created, path, got, answer, sender }
}

const verifies = (secret: string, { headers, body }: Outgoing) => {
  try {
    new Webhook(secret).verify(Buffer.from(body), headers)
    return true
  } catch {
    return false
  }
}

describe('a subscription', () => {
  test('is made with its defaults, and its secret is shown once', async () => {
    const { created, ask, path, hooks } = await house()
    expect(created.status).toBe(201)
    const { secret, id, ...rest } = created.body
    expect(secret).toMatch(/^whsec_/)
    expect(rest).toMatchObject({
      ...{
        topic: 'orders',
        group: `hook-${id}`,
        url,
        types: [],
        mode: 'structured',
        timeoutMs: 15_000,
        concurrency: 8,
      },
      retryMs: [5_000, 300_000, 1_800_000, 7_200_000, 18_000_000, 36_000_000, 36_000_000],
      status: 'enabled',
      publicKeys: [{ key: expect.stringMatching(/^whpk_/) }],
    })
    const { body, text } = await ask('GET', path)
    expect(body).toMatchObject({ id, endpoint: { state: 'well', failures: 0 }, lag: { ready: 0, dead: 0 } })
    expect(text).not.toContain('whsec_')
    expect(text).not.toContain('whsk_')
    expect((await ask('GET', '/v1/subscriptions')).text).not.toContain('whsec_')
    expect(JSON.stringify(await hooks.store.subscriptions.find({ tenant: 'acme', id }))).not.toContain(secret.slice(6))
  })

  test('has a group of the topic like any other, with a lease that outlasts its requests', async () => {
    const { created, ask, path } = await house({ timeoutMs: 40_000 })
    const group = `/v1/topics/orders/groups/${created.body.group}`
    expect((await ask('GET', group)).body).toMatchObject({ leaseMs: 50_000 })
    await ask('PATCH', path, { body: { timeoutMs: 60_000 } })
    expect((await ask('GET', group)).body).toMatchObject({ leaseMs: 70_000 })
  })

  test('gives its group its filter and its order, and changes them with it', async () => {
    const { created, ask, path, hooks, log } = await house({ types: ['ai.*'], where: 'data.n > 1', ordering: 'key' })
    const group = `/v1/topics/orders/groups/${created.body.group}`
    expect((await ask('GET', group)).body).toMatchObject({
      filter: { types: ['ai.*'], where: 'data.n > 1' },
      ordering: 'key',
    })
    const pumps = quickPumps({ ...(await startApp()), log, hooks })
    await ask('PATCH', path, { body: { types: [], where: null } })
    await until(async () => (await ask('GET', group)).body.filter === null)
    await pumps.close()
    expect((await ask('PATCH', path, { body: { where: '(' } })).body.code).toBe('invalid_filter')
  })

  test('may share a group, which keeps what it has', async () => {
    const { ask } = await house()
    const body = { leaseMs: 600_000, deliveriesMax: 3, start: 'earliest' }
    await ask('PUT', '/v1/topics/orders/groups/workers', { body })
    const shared = await ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url, group: 'workers' } })
    expect(shared.body.group).toBe('workers')
    expect((await ask('GET', '/v1/topics/orders/groups/workers')).body).toMatchObject({
      ...{ leaseMs: 600_000, deliveriesMax: 3, filter: null },
    })
    const refused = await ask('PATCH', `/v1/subscriptions/${shared.body.id}`, { body: { types: ['a'] } })
    expect(refused.body.code).toBe('validation_failed')
    expect((await ask('DELETE', `/v1/subscriptions/${shared.body.id}`)).status).toBe(204)
    expect((await ask('GET', '/v1/topics/orders/groups/workers')).status).toBe(200)
  })

  test.each([
    [{ url: 'http://example.com/' }, 422, 'validation_failed'],
    [{ url: 'https://127.0.0.1/' }, 403, 'address_refused'],
    [{ url: 'https://0x7f000001/' }, 403, 'address_refused'],
    [{ url: 'https://[::ffff:10.0.0.1]/' }, 403, 'address_refused'],
    [{ url: 'https://169.254.169.254/latest/meta-data' }, 403, 'address_refused'],
    [{ url: 'https://user:pass@example.com/' }, 422, 'validation_failed'],
    [{ url: 'nonsense' }, 422, 'validation_failed'],
    [{ types: ['a b'] }, 400, 'invalid_filter'],
    [{ where: 'data.total >' }, 400, 'invalid_filter'],
    [{ group: 'workers', types: ['a'] }, 422, 'validation_failed'],
    [{ group: 'workers', ordering: 'key' }, 422, 'validation_failed'],
    [{ group: 'workers', start: 'latest' }, 422, 'validation_failed'],
    [{ retryMs: Array(21).fill(1) }, 422, 'validation_failed'],
    [{ group: 'hook-1' }, 422, 'validation_failed'],
    [{ start: 'yesterday' }, 422, 'validation_failed'],
    [{ topic: 'nowhere' }, 404, 'topic_not_found'],
    [{ secret: 'mine' }, 422, 'validation_failed'],
  ])('%p is refused and nothing is kept', async (wish, status, code) => {
    const app = await startApp({ policy: { allowPrivate: false } })
    await app.ask('PUT', '/v1/topics/orders', { body: {} })
    const refused = await app.ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url, ...wish } })
    expect([refused.status, refused.body.code]).toEqual([status, code])
    expect((await app.ask('GET', '/v1/subscriptions')).body.subscriptions).toEqual([])
    expect(await app.log.groups({ tenant: 'acme', topic: 'orders' })).toEqual([])
    expect(app.audit.records.filter(({ action }) => action.startsWith('mq.subscription'))).toEqual([])
  })

  test('of one tenant is not there for another, whatever is asked of it', async () => {
    const { ask, path, keyOf } = await house()
    const key = await keyOf(['events:admin'], 'other')
    const asked = await Promise.all([
      ask('GET', path, { key }),
      ask('PATCH', path, { key, body: { concurrency: 1 } }),
      ask('DELETE', path, { key }),
      ask('POST', `${path}/rotate-secret`, { key, body: {} }),
      ask('POST', `${path}/enable`, { key }),
      ask('POST', `${path}/disable`, { key }),
      ask('POST', `${path}/recover`, { key, body: { since: '2026-01-01T00:00:00Z' } }),
      ask('POST', `${path}/test`, { key, body: {} }),
      ask('GET', `${path}/attempts`, { key }),
      ask('POST', `${path}/attempts/1-1/retry`, { key }),
    ])
    expect(asked.map(({ status, body }) => [status, body?.code])).toEqual(
      asked.map(() => [404, 'subscription_not_found']),
    )
    expect((await ask('GET', '/v1/subscriptions', { key })).body.subscriptions).toEqual([])
    expect((await ask('GET', path)).status).toBe(200)
  })

  test('needs the scope events:admin', async () => {
    const { ask, path, keyOf } = await house()
    const key = await keyOf(['events:publish', 'events:consume'])
    for (const [method, at] of [
      ['GET', '/v1/subscriptions'],
      ['GET', path],
      ['POST', `${path}/test`],
    ] as const)
      expect((await ask(method, at, { key })).status).toBe(403)
  })

  test('is made once, however often the same request comes, with the same secret', async () => {
    const { ask } = await house()
    const request = { body: { topic: 'orders', url }, headers: { 'idempotency-key': 'k1' } }
    const [first, second] = [
      await ask('POST', '/v1/subscriptions', request),
      await ask('POST', '/v1/subscriptions', request),
    ]
    expect(second.body).toEqual(first.body)
    expect((await ask('GET', '/v1/subscriptions')).body.subscriptions).toHaveLength(2)
  })

  test('one too many is refused', async () => {
    const app = await startApp({ policy: { subscriptionsMax: 1 } })
    await app.ask('PUT', '/v1/topics/orders', { body: {} })
    const make = () => app.ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url } })
    expect([(await make()).status, (await make()).body.code]).toEqual([201, 'quota_exceeded'])
    expect(await app.log.groups({ tenant: 'acme', topic: 'orders' })).toHaveLength(1)
  })

  test('pages through many', async () => {
    const { ask } = await house()
    for (let n = 0; n < 4; n++) await ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url } })
    const first = (await ask('GET', '/v1/subscriptions?limit=3')).body
    const second = (await ask('GET', `/v1/subscriptions?limit=3&after=${first.next}`)).body
    expect([first.subscriptions.length, second.subscriptions.length, second.next]).toEqual([3, 2, undefined])
  })

  test('that is deleted is gone with its group', async () => {
    const { ask, path, log } = await house()
    expect((await ask('DELETE', path)).status).toBe(204)
    expect((await ask('GET', path)).status).toBe(404)
    expect((await ask('DELETE', path)).status).toBe(404)
    expect(await log.groups({ tenant: 'acme', topic: 'orders' })).toEqual([])
  })
})

describe('what is done is on the record and told', () => {
  test('each act once, without a secret or the path of the endpoint', async () => {
    const { ask, path, audit, log } = await house()
    const address = `${url}/T0K3N`
    await ask('PATCH', path, { body: { url: address, description: 'x' } })
    await ask('POST', `${path}/rotate-secret`, { body: {} })
    await ask('POST', `${path}/disable`)
    await ask('POST', `${path}/enable`)
    await ask('POST', `${path}/test`, { body: {} })
    await ask('POST', `${path}/recover`, { body: { since: '2026-01-01T00:00:00Z' } })
    await ask('DELETE', path)
    const acts = [
      'created',
      'changed',
      'secret_rotated',
      'disabled',
      'enabled',
      'tested',
      'recovery_started',
      'deleted',
    ]
    const records = audit.records.filter(({ action }) => action.startsWith('mq.subscription'))
    expect(records.map(({ action }) => action.slice('mq.subscription.'.length))).toEqual(acts)
    const { entries } = await log.read({ tenant: 'acme', topic: 'mq' }, { from: { at: 'earliest' }, limit: 100 })
    const told = entries.map(({ event }) => event.type).filter((type) => type.startsWith('mq.subscription'))
    expect(told.toSorted()).toEqual(
      acts
        .filter((act) => act !== 'tested')
        .map((act) => `mq.subscription.${act}`)
        .toSorted(),
    )
    const all = JSON.stringify([audit.records, entries])
    for (const secret of ['whsec_', 'whsk_', 'T0K3N']) expect(all).not.toContain(secret)
  })

  test('without a record nothing happens', async () => {
    const { ask, path, audit, created } = await house()
    audit.isAway = true
    const refused = await Promise.all([
      ask('POST', '/v1/subscriptions', { body: { topic: 'orders', url } }),
      ask('PATCH', path, { body: { concurrency: 1 } }),
      ask('POST', `${path}/rotate-secret`, { body: {} }),
      ask('POST', `${path}/test`, { body: {} }),
      ask('DELETE', path),
    ])
    expect(refused.map(({ body }) => body.code)).toEqual(refused.map(() => 'audit_unavailable'))
    const { body } = await ask('GET', path)
    expect(body).toMatchObject({ concurrency: 8, publicKeys: created.body.publicKeys })
    expect((await ask('GET', '/v1/subscriptions')).body.subscriptions).toHaveLength(1)
  })
})

describe('a test message', () => {
  test('is sent at once and answers what came of it', async () => {
    const { ask, path, got, created } = await house()
    const sent = await ask('POST', `${path}/test`, { body: { type: 'a.b', data: { x: 1 } } })
    expect(sent.body).toMatchObject({
      trigger: 'test',
      result: 'delivered',
      status: 200,
      response: 'thanks',
      number: 1,
    })
    expect(JSON.parse(Buffer.from(got[0]?.body ?? '').toString())).toMatchObject({
      type: 'a.b',
      data: { x: 1 },
      tenant: 'acme',
    })
    expect(verifies(created.body.secret, got[0] as Outgoing)).toBe(true)
    expect((await ask('GET', `${path}/attempts`)).body.attempts).toEqual([sent.body])
  })

  test('that fails says so, is not tried again, and works while disabled', async () => {
    const { ask, path, answer, got } = await house()
    await ask('POST', `${path}/disable`)
    answer(500)
    const sent = await ask('POST', `${path}/test`, { body: {} })
    expect(sent.body).toMatchObject({ result: 'failed', status: 500 })
    expect(sent.body.nextAt).toBeUndefined()
    expect(got).toHaveLength(1)
    const refused = await ask('POST', `${path}/attempts/${sent.body.id}/retry`)
    expect(refused.body.code).toBe('conflict')
  })
})

test('after a rotation both secrets verify, until the overlap ends', async () => {
  const { ask, path, got, created } = await house()
  const rotated = await ask('POST', `${path}/rotate-secret`, { body: {} })
  expect(rotated.status).toBe(200)
  await ask('POST', `${path}/test`, { body: {} })
  const secrets = [created.body.secret, rotated.body.secret]
  expect(secrets.map((secret) => verifies(secret, got[0] as Outgoing))).toEqual([true, true])
  expect((await ask('GET', path)).body.publicKeys).toEqual([
    { key: rotated.body.publicKey },
    { key: created.body.publicKeys[0].key, until: rotated.body.overlapUntil },
  ])
  const last = await ask('POST', `${path}/rotate-secret`, { body: { overlapMs: 0 } })
  await ask('POST', `${path}/test`, { body: {} })
  expect([...secrets, last.body.secret].map((secret) => verifies(secret, got[1] as Outgoing))).toEqual([
    false,
    false,
    true,
  ])
  expect((await ask('GET', path)).body.publicKeys).toEqual([{ key: last.body.publicKey }])
})

describe('with its pump running', () => {
  const pumping = async (wish: Record<string, unknown> = {}) => {
    const app = await house({ retryMs: [], ...wish })
    const pumps = quickPumps(app)
    const attempts = async (query = '') => (await app.ask('GET', `${app.path}/attempts${query}`)).body.attempts
    const publish = (count: number) =>
      app.log.append(
        { tenant: 'acme', topic: 'orders' },
        Array.from({ length: count }, (_, n) => newEvent(n)),
      )
    return { ...app, pumps, attempts, publish }
  }

  test('a dead message is retried by hand, and keeps its id', async () => {
    const { publish, answer, attempts, ask, path, got, pumps, created } = await pumping()
    answer(500)
    await publish(1)
    const [dead] = await until(async () => {
      const all = await attempts('?result=dead')
      return all.length > 0 && all
    })
    answer(200)
    const retried = await ask('POST', `${path}/attempts/${dead.id}/retry`)
    expect(retried.body).toMatchObject({
      trigger: 'retry',
      result: 'delivered',
      webhookId: dead.webhookId,
      event: dead.event,
    })
    expect(verifies(created.body.secret, got[1] as Outgoing)).toBe(true)
    expect(await attempts()).toHaveLength(2)
    expect((await ask('GET', path)).body.lag).toMatchObject({ dead: 1 })
    expect((await ask('POST', `${path}/attempts/1-1/retry`)).body.code).toBe('attempt_not_found')
    await pumps.close()
  })

  test('an event that retention removed cannot be retried', async () => {
    const { publish, attempts, ask, path, log, pumps } = await pumping()
    await publish(1)
    const [made] = await until(async () => {
      const all = await attempts()
      return all.length > 0 && all
    })
    await log.changeTopic({ tenant: 'acme', topic: 'orders' }, { retention: { maxEvents: 0 } })
    await until(async () => {
      await log.sweep()
      return (await log.size({ tenant: 'acme', topic: 'orders' })) === 0
    })
    const refused = await ask('POST', `${path}/attempts/${made.id}/retry`)
    expect([refused.status, refused.body.code]).toEqual([404, 'event_not_found'])
    await pumps.close()
  })

  test('attempts are paged, and chosen by what came of them', async () => {
    const { publish, attempts, ask, path, pumps, answer } = await pumping({ concurrency: 1 })
    await publish(5)
    await until(async () => (await attempts()).length === 5)
    answer(500)
    await publish(1)
    await until(async () => (await attempts()).length === 6)
    const first = (await ask('GET', `${path}/attempts?limit=4`)).body
    const second = (await ask('GET', `${path}/attempts?limit=4&before=${first.next}`)).body
    expect([first.attempts.length, second.attempts.length, second.next]).toEqual([4, 2, undefined])
    expect(await attempts('?result=delivered')).toHaveLength(5)
    expect(await attempts('?result=dead')).toHaveLength(1)
    expect((await ask('GET', path)).body.endpoint).toMatchObject({ state: 'failing', failures: 1 })
    await pumps.close()
  })

  test('a recovery is asked for once at a time, of what is past, and while enabled', async () => {
    const { publish, ask, path, got, pumps } = await pumping()
    const since = new Date(Date.now() - 60_000).toISOString()
    await publish(3)
    await until(() => got.length === 3)
    await pumps.close()
    const asked = await ask('POST', `${path}/recover`, { body: { since } })
    expect(asked).toMatchObject({ status: 202, body: { since, state: 'running' } })
    expect((await ask('POST', `${path}/recover`, { body: { since } })).body.code).toBe('conflict')
    expect((await ask('POST', `${path}/recover`, { body: { since: '2999-01-01T00:00:00Z' } })).status).toBeOneOf([
      409, 422,
    ])
    await ask('POST', `${path}/disable`)
    expect((await ask('POST', `${path}/recover`, { body: { since } })).body.code).toBe('conflict')
  })

  test('disabling stops it, enabling goes on where it stood', async () => {
    const { publish, ask, path, got, pumps, created } = await pumping()
    await ask('POST', `${path}/disable`)
    pumps.nudge({ tenant: 'acme', id: created.body.id })
    expect((await ask('GET', path)).body).toMatchObject({ status: 'disabled', disabledReason: 'requested' })
    await publish(3)
    await ask('POST', `${path}/enable`)
    pumps.nudge({ tenant: 'acme', id: created.body.id })
    await until(() => got.length >= 3)
    expect(new Set(got.map(({ headers }) => headers['webhook-id'])).size).toBe(3)
    await pumps.close()
  })
})
