import { beforeEach, describe, expect, test } from 'bun:test'
import { hashSecret, parseKey, type Scope, scopes } from '@santaclaude/service/keys'
import { type House, house as newHouse } from '../app.fixture.ts'
import type { PublicKey, ShownKey } from './public-key.ts'
import { installRoot, RootKeyError } from './root.ts'

let house: House
let admin: string
beforeEach(async () => {
  house = newHouse()
  admin = await house.keyWith(['keys:admin', 'ai:invoke'])
})

async function made(body: Record<string, unknown> = {}, key = admin): Promise<ShownKey> {
  const response = await house.request('POST', '/v1/keys', {
    key,
    body: { name: 'ci', scopes: ['ai:invoke'], ...body },
  })
  expect(response.status).toBe(201)
  return response.json()
}
const works = async (key: string) => (await house.request('GET', '/v1/keys', { key })).status !== 401
const code = async (response: Promise<Response>) => ((await (await response).json()) as { code: string }).code
const adminKey = (over: Record<string, unknown> = {}) => made({ scopes: ['keys:admin'], ...over })
/** Past the 10 s that a verified key is remembered. */
const forgotten = () => house.clock.advance(10_001)

describe('making a key', () => {
  test('the answer shows a secret that works, and nothing else ever shows it', async () => {
    const { key, secret } = await adminKey({ name: 'deploy' })
    expect(secret).toMatch(/^sc_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}$/)
    expect(await works(secret)).toBe(true)
    const hidden = parseKey(secret)?.secret ?? ''
    const listed = await (await house.request('GET', '/v1/keys', { key: admin })).text()
    const got = await (await house.request('GET', `/v1/keys/${key.id}`, { key: admin })).text()
    const kept = JSON.stringify(await house.keys.find(key.id))
    for (const shown of [listed, got, kept, JSON.stringify(house.audit.records), JSON.stringify(await house.heard())]) {
      expect(shown).toContain(key.id)
      expect(shown).not.toContain(hidden)
      if (shown !== kept) expect(shown).not.toContain(hashSecret('test-pepper', hidden))
    }
  })

  test('an answer with a secret may not be cached', async () => {
    const response = await house.request('POST', '/v1/keys', { key: admin, body: { name: 'a', scopes: ['ai:invoke'] } })
    expect(response.headers.get('cache-control')).toBe('no-store')
  })

  test('it is recorded and told, with who did it', async () => {
    const { key } = await made()
    const record = house.audit.records.at(-1)
    expect(record).toMatchObject({
      action: 'key.created',
      outcome: 'success',
      tenant: 'acme',
      target: { type: 'key', id: key.id },
    })
    expect(record?.actor.id).toBe(parseKey(admin)?.id ?? '')
    expect((await house.heard()).at(-1)).toMatchObject({
      specversion: '1.0',
      source: '/projectflow-ai',
      tenant: 'acme',
      type: 'projectflow.key.created',
      subject: key.id,
    })
  })

  test('nobody hands out a scope they do not hold, and the attempt is recorded', async () => {
    const response = house.request('POST', '/v1/keys', {
      key: admin,
      body: { name: 'x', scopes: ['ai:invoke', 'audit:read'] },
    })
    expect(await code(response)).toBe('forbidden')
    expect(house.audit.records.at(-1)).toMatchObject({
      action: 'key.created',
      outcome: 'denied',
      data: { missing: ['audit:read'] },
    })
    expect(await house.keys.list('acme')).toHaveLength(1)
  })

  test('only an internal caller makes keys for another tenant, and nobody for the platform itself', async () => {
    const body = { name: 'x', scopes: ['ai:invoke'], tenant: 'other' }
    expect(await code(house.request('POST', '/v1/keys', { key: admin, body }))).toBe('forbidden')
    const internal = await house.keyWith(['keys:admin', 'ai:invoke', 'internal'])
    expect((await made({ tenant: 'other' }, internal)).key.tenant).toBe('other')
    const forPlatform = { ...body, tenant: 'sc' }
    expect(await code(house.request('POST', '/v1/keys', { key: internal, body: forPlatform }))).toBe(
      'validation_failed',
    )
    const asPlatform = { key: internal, body: { name: 'x', scopes: ['ai:invoke'] }, headers: { 'x-sc-tenant': 'sc' } }
    expect(await code(house.request('POST', '/v1/keys', asPlatform))).toBe('forbidden')
  })

  test.each([
    ['an unknown scope', { scopes: ['root'] }],
    ['no scope', { scopes: [] }],
    ['an unknown field', { admin: true }],
    ['a time that is past', { expiresAt: '2020-01-01T00:00:00.000Z' }],
    ['a time that is none', { expiresAt: 'tomorrow' }],
    ['the name of the root key', { name: 'root' }],
    ['a name with a line break', { name: 'a\nb' }],
    ['a limit of nothing', { limits: { requestsPerMinute: 0 } }],
  ])('%s is refused with 422', async (_, wrong) => {
    const body = { name: 'x', scopes: ['ai:invoke'], ...wrong }
    expect((await house.request('POST', '/v1/keys', { key: admin, body })).status).toBe(422)
  })

  test('an expired key stops working and is listed as expired', async () => {
    const { secret } = await adminKey({ expiresAt: new Date(house.clock.now() + 60_000).toISOString() })
    expect(await works(secret)).toBe(true)
    house.clock.advance(60_001)
    expect(
      ((await (await house.request('GET', '/v1/keys?state=expired', { key: admin })).json()) as { keys: unknown[] })
        .keys,
    ).toHaveLength(1)
  })

  test('a repeated Idempotency-Key shows the same secret to the same caller, and to no other', async () => {
    const call = (key: string) =>
      house.request('POST', '/v1/keys', {
        key,
        body: { name: 'ci', scopes: ['ai:invoke'] },
        headers: { 'idempotency-key': 'k1' },
      })
    const [first, second] = [await (await call(admin)).json(), await (await call(admin)).json()]
    expect(second).toEqual(first)
    const other = await house.keyWith(['keys:admin', 'ai:invoke'])
    expect(await (await call(other)).json()).not.toEqual(first)
  })

  test('when it cannot be recorded it is refused, and the key is dead', async () => {
    house.audit.isAway = true
    expect(
      await code(house.request('POST', '/v1/keys', { key: admin, body: { name: 'x', scopes: ['ai:invoke'] } })),
    ).toBe('audit_unavailable')
    const left = (await house.keys.list('acme')).filter(({ name }) => name === 'x')
    expect(left.map(({ revokedAtMs }) => typeof revokedAtMs)).toEqual(['number'])
  })
})

describe('rotating a key', () => {
  const rotate = (id: string, body?: unknown, key = admin) =>
    house.request('POST', `/v1/keys/${id}/rotate`, { key, ...(body ? { body } : {}) })

  test('the old secret works until the overlap ends, the new one at once and after', async () => {
    const before = await adminKey()
    const after: ShownKey = await (await rotate(before.key.id, { overlapMs: 30_000 })).json()
    expect(after.key.overlapEndsAt).toBe(new Date(house.clock.now() + 30_000).toISOString())
    expect(after.secret).not.toBe(before.secret)
    expect(await works(after.secret)).toBe(true)
    forgotten()
    expect(await works(before.secret)).toBe(true)
    house.clock.advance(30_000)
    expect(await works(before.secret)).toBe(false)
    expect(await works(after.secret)).toBe(true)
    expect(house.audit.records.at(-1)).toMatchObject({ action: 'key.rotated', data: { overlapMs: 30_000 } })
    expect((await house.heard()).at(-1)?.type).toBe('projectflow.key.rotated')
  })

  test('without a body the overlap is a day', async () => {
    const { key } = await made()
    const after: ShownKey = await (await rotate(key.id)).json()
    expect(after.key.overlapEndsAt).toBe(new Date(house.clock.now() + 86_400_000).toISOString())
  })

  test('a weaker key cannot take over a stronger one by rotating it', async () => {
    const strong = await house.keyWith(['keys:admin', 'audit:admin'])
    expect(await code(rotate(parseKey(strong)?.id ?? ''))).toBe('forbidden')
    expect(house.audit.records.at(-1)).toMatchObject({ action: 'key.rotated', outcome: 'denied' })
  })

  test('a revoked key, a key of another tenant and too many secrets are refused', async () => {
    const { key } = await made()
    for (const status of [200, 200, 200, 409]) expect((await rotate(key.id, { overlapMs: 60_000 })).status).toBe(status)
    await house.request('DELETE', `/v1/keys/${key.id}`, { key: admin })
    expect(await code(rotate(key.id))).toBe('conflict')
    const foreign = parseKey(await house.keyWith([], 'other'))?.id ?? ''
    expect(await code(rotate(foreign))).toBe('not_found')
  })

  test('when it cannot be recorded the old secret keeps its full life', async () => {
    const { key, secret } = await adminKey()
    house.audit.isAway = true
    expect(await code(rotate(key.id, { overlapMs: 0 }))).toBe('audit_unavailable')
    forgotten()
    expect(await works(secret)).toBe(true)
  })

  test('a rotation that races a revocation does not bring the key back to life', async () => {
    const { key } = await made()
    const [rotated, revoked] = await Promise.all([
      rotate(key.id),
      house.request('DELETE', `/v1/keys/${key.id}`, { key: admin }),
    ])
    expect([rotated.status, revoked.status].sort()).toContain(200)
    if (revoked.status === 200) expect((await house.keys.find(key.id))?.revokedAtMs).toBeNumber()
  })
})

describe('revoking a key', () => {
  test('it is refused within 10 s, stays listed, and a repetition changes nothing', async () => {
    const { key, secret } = await adminKey()
    expect(await works(secret)).toBe(true)
    const revoked: PublicKey = await (await house.request('DELETE', `/v1/keys/${key.id}`, { key: admin })).json()
    expect(revoked.state).toBe('revoked')
    forgotten()
    expect(await works(secret)).toBe(false)
    house.clock.advance(5_000)
    expect(await (await house.request('DELETE', `/v1/keys/${key.id}`, { key: admin })).json()).toEqual(revoked)
    expect((await house.heard()).at(-1)?.type).toBe('projectflow.key.revoked')
  })

  test('a key that may have leaked dies even when the act cannot be recorded yet', async () => {
    const { key } = await made()
    house.audit.isAway = true
    expect(await code(house.request('DELETE', `/v1/keys/${key.id}`, { key: admin }))).toBe('audit_unavailable')
    expect((await house.keys.find(key.id))?.revokedAtMs).toBeNumber()
    house.audit.isAway = false
    expect((await house.request('DELETE', `/v1/keys/${key.id}`, { key: admin })).status).toBe(200)
    expect(house.audit.records.at(-1)?.action).toBe('key.revoked')
  })
})

describe('reading keys', () => {
  test('pages follow each other without a gap or a repetition', async () => {
    for (let index = 0; index < 5; index++) {
      // Ahead of the true time, at which the administrator's key was made.
      house.clock.advance(1_000)
      await made({ name: `key ${index}` })
    }
    const names: string[] = []
    let after = ''
    do {
      const page = await (await house.request('GET', `/v1/keys?limit=2${after}`, { key: admin })).json()
      names.push(...page.keys.map(({ name }: PublicKey) => name))
      after = page.next ? `&after=${page.next}` : ''
    } while (after !== '')
    expect(names).toHaveLength(6)
    expect(new Set(names).size).toBe(6)
    expect(names[0]).toBe('key 4')
  })

  test('a key of another tenant is as absent as one of nobody', async () => {
    const foreign = parseKey(await house.keyWith([], 'other'))?.id ?? ''
    const answers = await Promise.all(
      [foreign, 'AAAAAAAAAAAA'].map(async (id) => {
        const { requestId, ...problem } = await (await house.request('GET', `/v1/keys/${id}`, { key: admin })).json()
        return problem
      }),
    )
    expect(answers[0]).toEqual(answers[1])
    expect(answers[0].status).toBe(404)
  })

  test('a key without keys:admin gets 403, no key 401', async () => {
    const key = await house.keyWith(['ai:invoke'])
    expect((await house.request('GET', '/v1/keys', { key })).status).toBe(403)
    expect((await house.request('GET', '/v1/keys')).status).toBe(401)
  })
})

describe('the root key', () => {
  const first = `sc_${'R'.repeat(12)}_${'a'.repeat(32)}`
  const second = `sc_${'S'.repeat(12)}_${'b'.repeat(32)}`
  const install = (text: string) =>
    installRoot({ keys: house.keys, audit: house.audit, pepper: 'test-pepper', clock: house.clock }, text)

  test('it is put in place once, with every scope, and recorded', async () => {
    expect(await install(first)).toBe('made')
    expect(await install(first)).toBe('unchanged')
    expect(await works(first)).toBe(true)
    expect((await house.keys.find('R'.repeat(12)))?.scopes).toEqual([...scopes])
    expect(house.audit.records.map(({ action }) => action)).toEqual(['key.created'])
  })

  test('another key in the file revokes the former one', async () => {
    await install(first)
    expect(await install(second)).toBe('made')
    expect(await works(first)).toBe(false)
    expect(await works(second)).toBe(true)
  })

  test('once revoked it stays so, also after a restart', async () => {
    await install(first)
    await house.request('DELETE', `/v1/keys/${'R'.repeat(12)}`, { key: first })
    expect(await install(first)).toBe('revoked')
    forgotten()
    expect(await works(first)).toBe(false)
  })

  test('it is rotated in its file, not here', async () => {
    await install(first)
    expect(await code(house.request('POST', `/v1/keys/${'R'.repeat(12)}/rotate`, { key: first }))).toBe('conflict')
  })

  test.each(['', 'sc_short_key', `sk_${'a'.repeat(45)}`])(
    '%p is no root key, and the complaint does not show it',
    async (text) => {
      const error = await install(text).catch((error) => error)
      expect(error).toBeInstanceOf(RootKeyError)
      if (text !== '') expect(error.message).not.toContain(text)
    },
  )

  test('every scope of the list can be held', () => {
    const all: Scope[] = [...scopes]
    expect(all).toContain('internal')
  })
})
