import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { type TestHouse, testHouse } from './app.fixture.ts'
import { memoryDriver } from './driver/memory.ts'
import type { PageView, SessionView } from './schemas.ts'

let house: TestHouse
afterEach(() => house.close())

let hits = 0
const site = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  fetch: () => {
    hits++
    return new Response(
      '<title>T</title><form action="/find"><input name="q" aria-label="Name"></form><a href="/next">Next</a>',
      {
        headers: { 'content-type': 'text/html' },
      },
    )
  },
})
let home: string
beforeAll(() => {
  home = `http://127.0.0.1:${site.port}/`
})
afterAll(() => site.stop(true))

/** The answer's status and body. */
async function ask(path: string, init: Parameters<TestHouse['fetch']>[1] = {}) {
  const response = await house.fetch(path, init)
  const text = await response.text()
  const body = text.startsWith('{') ? JSON.parse(text) : text
  return { status: response.status, code: body.code as string | undefined, body, headers: response.headers }
}

async function opened(json: object = {}, key = house.key) {
  const session = (await ask('/v1/sessions', { json, key })).body as SessionView
  const page = (await ask(`/v1/sessions/${session.id}/pages`, { method: 'POST', key })).body as PageView
  return { session, page, at: `/v1/sessions/${session.id}/pages/${page.id}` }
}

describe('a session', () => {
  test('is created, listed, looked at, and gone once it is deleted', async () => {
    house = await testHouse()
    const made = await ask('/v1/sessions', { json: { idleMs: 60_000 } })
    expect(made.status).toBe(201)
    expect(made.body).toMatchObject({ allowEvaluate: false, pages: [] })
    const { id } = made.body as SessionView
    expect((await ask('/v1/sessions')).body.sessions).toEqual([made.body])
    expect((await ask(`/v1/sessions/${id}`)).body).toMatchObject({ id })
    expect((await ask(`/v1/sessions/${id}`, { method: 'DELETE' })).status).toBe(204)
    expect(await ask(`/v1/sessions/${id}`)).toMatchObject({ status: 410, code: 'session_ended' })
    expect((await ask('/v1/sessions')).body.sessions).toEqual([])
  })

  test('asked for twice under one Idempotency-Key is one session', async () => {
    house = await testHouse()
    const headers = { 'idempotency-key': 'once' }
    const [first, second] = [
      await ask('/v1/sessions', { json: {}, headers }),
      await ask('/v1/sessions', { json: {}, headers }),
    ]
    expect(second.body).toEqual(first.body)
    expect(house.ports.pool.stats.sessions).toBe(1)
  })

  test('of another tenant, its pages, and every deed in them are a 404', async () => {
    house = await testHouse()
    const { session, at } = await opened()
    const key = await house.newKey(['browser:use', 'browser:admin'], 'rival')
    const tries: [string, string, object?][] = [
      ['GET', `/v1/sessions/${session.id}`],
      ['DELETE', `/v1/sessions/${session.id}`],
      ['POST', `/v1/sessions/${session.id}/pages`],
      ['GET', `/v1/sessions/${session.id}/pages`],
      ['DELETE', at],
      ['POST', `${at}/navigate`, { url: home }],
      ['POST', `${at}/act`, { action: 'press', key: 'Enter' }],
      ['POST', `${at}/wait`, { for: 'load' }],
      ['POST', `${at}/evaluate`, { script: '1' }],
      ['GET', `${at}/snapshot`],
      ['GET', `${at}/screenshot`],
      ['GET', `${at}/pdf`],
    ]
    for (const [method, path, json] of tries)
      expect(await ask(path, { method, key, ...(json && { json }) })).toMatchObject({
        status: 404,
        code: 'session_not_found',
      })
    expect((await ask('/v1/sessions', { key })).body.sessions).toEqual([])
    expect((await ask(`/v1/sessions/${session.id}`)).status).toBe(200)
  })

  test('held by another replica is said to be there', async () => {
    house = await testHouse()
    await house.ports.directory.list([{ tenant: 'acme', id: 'far', replica: 'other' }], { ttlMs: 60_000 })
    const { status, body } = await ask('/v1/sessions/far')
    expect(status).toBe(404)
    expect(body.detail).toContain('Another replica')
  })

  test('in a place nobody knows is refused before a browser is taken', async () => {
    house = await testHouse()
    for (const json of [{ timezone: 'Mars/Base' }, { locale: 'not a locale' }])
      expect(await ask('/v1/sessions', { json })).toMatchObject({ status: 422, code: 'validation_failed' })
    expect(house.ports.pool.stats.browsers).toEqual([])
  })
})

describe('when it is full', () => {
  test('the line has an end, a deadline, and both say when to come back', async () => {
    house = await testHouse({ settings: { browsersMax: 1, sessionsPerBrowserMax: 1, queueMax: 1 } })
    await opened()
    const key = await house.newKey(['browser:use'], 'second')
    const waiting = ask('/v1/sessions', { json: { queueWaitMs: 100 }, key })
    while (house.ports.pool.stats.waiting === 0) await pause(1)
    const refused = await ask('/v1/sessions', { json: {}, key: await house.newKey(['browser:use'], 'third') })
    expect(refused).toMatchObject({ status: 503, code: 'pool_busy' })
    expect(refused.headers.get('retry-after')).toBe('5')
    expect(await waiting).toMatchObject({ status: 503, code: 'pool_busy' })
  })

  test('a tenant over its limit gets 429 with Retry-After, and so does a session with too many pages', async () => {
    house = await testHouse({ settings: { sessionsPerTenantMax: 1, pagesPerSessionMax: 1 } })
    const { session } = await opened()
    for (const path of ['/v1/sessions', `/v1/sessions/${session.id}/pages`]) {
      const refused = await ask(path, path.endsWith('pages') ? { method: 'POST' } : { json: {} })
      expect(refused.status).toBe(429)
      expect(refused.headers.get('retry-after')).not.toBeNull()
    }
  })

  test('a browser that does not start is a 503 that may be tried again', async () => {
    const driver = memoryDriver()
    driver.isBroken = true
    house = await testHouse({ driver })
    const refused = await ask('/v1/sessions', { json: {} })
    expect(refused).toMatchObject({ status: 503, code: 'browser_unavailable', body: { retryable: true } })
  })
})

describe('a browser that dies', () => {
  test('is told as browser_crashed, to every later request and to the record', async () => {
    const driver = memoryDriver()
    house = await testHouse({ driver })
    const { session, at } = await opened()
    driver.browsers[0]?.crash()
    expect(await ask(`${at}/snapshot`)).toMatchObject({ status: 410, code: 'browser_crashed' })
    expect(await ask(`/v1/sessions/${session.id}`)).toMatchObject({ status: 410, code: 'browser_crashed' })
    const closed = house.recorder.records.find(({ action }) => action === 'browser.session.closed')
    expect(closed).toMatchObject({
      actor: { type: 'service', id: 'browser-pool-service' },
      outcome: 'failure',
      data: { reason: 'browser_crashed' },
    })
  })
})

describe('what may be done in a page', () => {
  test('only http and https are opened, and what was refused is on record as denied', async () => {
    house = await testHouse()
    const { at } = await opened()
    for (const url of [
      'file:///etc/passwd',
      'chrome://version',
      'data:text/html,x',
      'javascript:alert(1)',
      'view-source:http://x/',
      'about:blank',
      'blob:http://x/1',
      'not an address',
      'http://169.254.169.254/latest/meta-data/',
      'http://metadata.google.internal/',
      'http://[fd00:ec2::254]/',
    ])
      expect(await ask(`${at}/navigate`, { json: { url } })).toMatchObject({ status: 403, code: 'address_refused' })
    const denied = house.recorder.records.filter(({ outcome }) => outcome === 'denied')
    expect(denied).toHaveLength(11)
    expect(house.events.filter(({ type }) => type === 'browser.page.navigated')).toEqual([])
  })

  test('private addresses are out of reach when the configuration says so', async () => {
    house = await testHouse({ allowPrivate: false })
    const { at } = await opened()
    for (const url of [
      home,
      'http://localhost:1/',
      'http://10.0.0.1/',
      'http://2130706433/',
      'http://[::1]/',
      'http://redis.svc/',
    ])
      expect(await ask(`${at}/navigate`, { json: { url } })).toMatchObject({ status: 403, code: 'address_refused' })
  })

  test('an action without its field, with a field of another one, or with two targets is a 422 that names it', async () => {
    house = await testHouse()
    const { at } = await opened()
    const tries: [object, string][] = [
      [{ action: 'click' }, '/body/target'],
      [{ action: 'click', target: {} }, '/body/target'],
      [{ action: 'click', target: { ref: 'd1e1', selector: 'a' } }, '/body/target'],
      [{ action: 'click', target: { ref: 'd1e1', name: 'x' } }, '/body/target'],
      [{ action: 'click', target: { ref: 'd1e1' }, text: 'x' }, '/body/text'],
      [{ action: 'type', target: { ref: 'd1e1' } }, '/body/text'],
      [{ action: 'select', target: { ref: 'd1e1' } }, '/body/values'],
      [{ action: 'press' }, '/body/key'],
    ]
    for (const [json, path] of tries) {
      const { status, body } = await ask(`${at}/act`, { json })
      expect([status, body.errors[0].path]).toEqual([422, path])
    }
    expect(await ask(`${at}/wait`, { json: { for: 'text' } })).toMatchObject({ status: 422 })
    expect(await ask(`${at}/screenshot?ref=d1e1&selector=a`)).toMatchObject({ status: 422 })
    expect(house.recorder.records.some(({ action }) => action.startsWith('browser.action'))).toBe(false)
  })

  test('a script needs browser:admin or a session that allows it, and a refusal is on record', async () => {
    house = await testHouse()
    const { at } = await opened()
    const json = { script: '6 * 7' }
    expect(await ask(`${at}/evaluate`, { json })).toMatchObject({ status: 403, code: 'forbidden' })
    expect(house.recorder.records.at(-1)).toMatchObject({ action: 'browser.page.evaluated', outcome: 'denied' })
    const admin = await house.newKey(['browser:use', 'browser:admin'])
    expect((await ask(`${at}/evaluate`, { json, key: admin })).body).toEqual({ value: 42 })
    const open = await opened({ allowEvaluate: true })
    expect((await ask(`${open.at}/evaluate`, { json })).body).toEqual({ value: 42 })
    expect(await ask(`${open.at}/evaluate`, { json: { script: 'x.y.z' } })).toMatchObject({
      status: 422,
      code: 'script_failed',
    })
  })
})

describe('the record', () => {
  test('holds no typed text, no query and no script in clear, in audit or in events', async () => {
    house = await testHouse()
    const { at } = await opened({ allowEvaluate: true })
    await ask(`${at}/navigate`, { json: { url: `${home}?token=s3cret-query#s3cret-hash` } })
    const target = { role: 'textbox', name: 'Name' }
    await ask(`${at}/act`, { json: { action: 'type', target, text: 's3cret-text', submit: true } })
    await ask(`${at}/act`, { json: { action: 'press', key: '§' } })
    await ask(`${at}/wait`, { json: { for: 'text', text: 's3cret-wait', deadlineMs: 100 } })
    await ask(`${at}/evaluate`, { json: { script: '"s3cret-script"' } })
    await ask(`${at}/snapshot`)
    await ask(`${at}/screenshot`)
    const written = JSON.stringify([house.recorder.records, house.events])
    expect(written).not.toMatch(/s3cret|§/)
    const typed = house.recorder.records.find(({ action }) => action === 'browser.page.acted')
    expect(typed?.data).toMatchObject({ action: 'type', textLength: 11 })
  })

  test('has the intent before the deed, the outcome after it under the intent, and who asked', async () => {
    house = await testHouse()
    const { session, at } = await opened()
    await ask(`${at}/navigate`, { json: { url: home }, headers: { 'x-request-id': 'r-1' } })
    await ask(`${at}/act`, { json: { action: 'click', target: { ref: 'd0e1' } } })
    const [intent, outcome, intent2, outcome2] = house.recorder.records.slice(-4)
    expect(intent).toMatchObject({ action: 'browser.navigation.requested', requestId: 'r-1', sessionId: session.id })
    expect(outcome).toMatchObject({ action: 'browser.page.navigated', outcome: 'success', parentId: intent?.id })
    expect(intent2?.action).toBe('browser.action.requested')
    expect(outcome2).toMatchObject({ outcome: 'failure', parentId: intent2?.id, data: { code: 'stale_ref' } })
    expect(outcome?.actor).toMatchObject({ type: 'key', name: 'test' })
    const event = house.events.find(({ type }) => type === 'browser.page.navigated')
    expect(event).toMatchObject({ tenant: 'acme', topic: 'browser', subject: session.id, partitionkey: session.id })
  })

  test('refuses the deed when it cannot be kept: no session, no navigation, no look; closing still works', async () => {
    house = await testHouse()
    const { session, at } = await opened()
    house.recorder.isAway = true
    const before = hits
    for (const [path, json] of [
      ['/v1/sessions', {}],
      [`${at}/navigate`, { url: home }],
    ] as const)
      expect(await ask(path, { json })).toMatchObject({ status: 503, code: 'audit_unavailable' })
    expect(await ask(`${at}/screenshot`)).toMatchObject({ status: 503, code: 'audit_unavailable' })
    expect(hits).toBe(before)
    expect(house.ports.pool.stats.sessions).toBe(1)
    expect((await ask(`/v1/sessions/${session.id}`, { method: 'DELETE' })).status).toBe(204)
    expect(house.ports.pool.stats.sessions).toBe(0)
  })
})

test('the stats tell how full it is and name no tenant', async () => {
  house = await testHouse()
  await opened()
  const { body } = await ask('/v1/stats')
  expect(body).toMatchObject({
    sessions: 1,
    pages: 1,
    sessionsMax: 32,
    waiting: 0,
    browsers: [{ state: 'ready', sessions: 1 }],
  })
  expect(JSON.stringify(body)).not.toContain('acme')
})
