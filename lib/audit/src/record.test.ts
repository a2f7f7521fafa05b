import { expect, test } from 'bun:test'
import {
  type AuditEntry,
  AuditRecordError,
  auditRecord,
  checkRecord,
  readRecord,
  recordBytesMax,
  recordText,
} from './record.ts'

const nowMs = Date.parse('2026-11-23T12:34:56.789Z')
const entry: AuditEntry = {
  tenant: 'default',
  actor: { type: 'key', id: 'abc', name: undefined },
  action: 'browser.session.created',
  outcome: 'success',
  target: { type: 'browser.session', id: '7' },
}
const made = (over: Partial<AuditEntry> = {}) => auditRecord({ ...entry, ...over }, { source: '/test', nowMs })

test('what the caller leaves out is filled in, and nothing undefined is kept', () => {
  const { id, ...rest } = made({ requestId: undefined, data: { url: 'https://shop.test/', depth: undefined } })
  expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/)
  expect(rest).toStrictEqual({
    occurredAt: '2026-11-23T12:34:56.789Z',
    tenant: 'default',
    actor: { type: 'key', id: 'abc' },
    action: 'browser.session.created',
    outcome: 'success',
    target: { type: 'browser.session', id: '7' },
    source: '/test',
    data: { url: 'https://shop.test/', depth: undefined },
  })
})

test('members a caller happens to carry along are not recorded', () => {
  const who = { requestId: 'r', traceparent: '00-a-b-01', password: 'hunter2' }
  expect(made(who)).not.toContainAnyKeys(['traceparent', 'password'])
})

test('a record reads back from its own text as itself', () => {
  const record = made({ data: { 10: 1, 9: [null, 0.1, 'ß\u0000'] }, actor: { type: 'user', id: 'u', name: 'Ünï' } })
  expect(readRecord(recordText(record))).toEqual(record)
})

test('long or broken free text is clipped, never a reason to fail the act', () => {
  const record = made({ userAgent: `\ud800${'x'.repeat(9999)}`, actor: { type: 'key', id: `a\0b`, name: '' } })
  expect(record.userAgent).toBe(`\ufffd${'x'.repeat(511)}`)
  expect(record.actor).toEqual({ type: 'key', id: 'ab' })
  expect(recordText(record)).toBeString()
})

test('data that JSON cannot carry is bent, and data too large is named instead', () => {
  expect(made({ data: { n: Number.NaN, big: 12n, at: new Date(0), s: '\udc00' } }).data).toEqual({
    n: 'NaN',
    big: '12',
    at: '1970-01-01T00:00:00.000Z',
    s: '\ufffd',
  })
  expect(made({ data: { text: 'x'.repeat(recordBytesMax) } }).data).toEqual({
    omitted: expect.stringContaining('larger'),
    bytes: recordBytesMax + 11,
  })
  expect(made({ data: { '\ud800': 1 } }).data).toEqual({ omitted: expect.stringContaining('surrogate') })
  const circle: Record<string, unknown> = {}
  circle.circle = circle
  expect(made({ data: circle }).data).toEqual({ omitted: 'not JSON' })
})

const record = made()
test.each([
  ['no object', 7, ['']],
  ['an id that is no UUID', { ...record, id: '7' }, ['/id']],
  ['an upper-case id', { ...record, id: record.id.toUpperCase() }, ['/id']],
  ['no tenant', { ...record, tenant: undefined }, ['/tenant']],
  ['an unknown outcome', { ...record, outcome: 'ok' }, ['/outcome']],
  [
    'an actor without an id, and data that is a list',
    { ...record, actor: { type: 'key' }, data: [] },
    ['/actor/id', '/data'],
  ],
  ['an actor that is text', { ...record, actor: 'me' }, ['/actor/type', '/actor/id']],
  ['a 31st of February', { ...record, occurredAt: '2026-02-31T00:00:00.000Z' }, ['/occurredAt']],
  ['a local time', { ...record, occurredAt: '2026-11-23T12:34:56.789+01:00' }, ['/occurredAt']],
  ['a lone surrogate in a name', { ...record, target: { type: 'a', id: '\ud800' } }, ['/target/id']],
  ['a trace id of zeros and letters past f', { ...record, traceId: 'z'.repeat(32) }, ['/traceId']],
  ['a parent that is null', { ...record, parentId: null }, ['/parentId']],
])('%s is refused with its place', (_, value, paths) => {
  expect(refusalOf(() => checkRecord(value)).map(({ path }) => path)).toEqual(paths)
})

test('text that is not the canonical text of a record is refused', () => {
  const text = recordText(record)
  expect(refusalOf(() => readRecord('{'))[0]?.message).toBe('is not JSON')
  expect(refusalOf(() => readRecord(` ${text}`))[0]?.message).toContain('canonical')
  expect(refusalOf(() => readRecord(text.replace('{', '{"action":"a",')))[0]?.message).toContain('canonical')
})

test('a record over the limit in bytes is refused even when it is under it in characters', () => {
  const text = 'é'.repeat(recordBytesMax / 2)
  expect(refusalOf(() => recordText({ ...record, data: { text } }))[0]?.message).toContain('larger')
})

function refusalOf(act: () => unknown) {
  try {
    act()
  } catch (error) {
    if (error instanceof AuditRecordError) return error.errors
    throw error
  }
  throw new Error('was not refused')
}
