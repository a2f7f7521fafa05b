import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import { type AuditEntry, auditRecord, recordText } from '@santaclaude/audit/record'
import { type AuditStore, entryKey, type Filter, type Poison, type Position, type Row, StoreError } from './port.ts'

const startMs = Date.parse('2026-11-23T12:00:00.000Z')
let nextMs = startMs

/** A row as the writer would make it; one millisecond of the log later than the last. */
export function row(entry: Partial<AuditEntry> = {}, place: Partial<Row['place']> = {}): Row {
  nextMs++
  const record = auditRecord(
    {
      tenant: 'acme',
      actor: { type: 'key', id: 'k1', name: 'one' },
      action: 'browser.page.navigated',
      outcome: 'success',
      target: { type: 'browser.page', id: 'p1' },
      ...entry,
    },
    { source: '/test', nowMs: nextMs },
  )
  return { place: { partition: 0, epoch: 'e1', streamId: `${nextMs}-0`, ...place }, record, text: recordText(record) }
}

/** The promises of an {@link AuditStore}; both engines pass them. `open` hands over a fresh, empty store each time. */
export function storeConformance(name: string, open: () => Promise<AuditStore>) {
  describe(`${name} keeps the promises of the audit store`, () => {
    let store: AuditStore
    const tenantOf = (name: string) => `${name}-${crypto.randomUUID()}`
    const all = async (filter: Filter, limit = 100) => {
      const found = await store.search(filter, { order: 'oldest', limit })
      return found.map(({ record }) => record)
    }
    const insert = (rows: Row[]) => store.insert(rows, `t-${crypto.randomUUID()}`)

    beforeAll(async () => {
      store = await open()
      await store.prepare()
    })
    afterAll(() => store.close())

    test('preparing again changes nothing', async () => {
      const tenant = tenantOf('again')
      await insert([row({ tenant })])
      await store.prepare()
      expect(await all({ tenant })).toHaveLength(1)
      await store.ping()
    })

    test('a record comes back exactly as it went in, whatever its texts hold', async () => {
      const tenant = tenantOf(`it's; a\\tenant\n"x"\t{t:String}`)
      const nasty = `';DROP TABLE audit.events;--\\ \\' \\n {x:String} %00 \u0001\u0000 é 😀 \u2028 $$ \``
      const made = row({
        tenant,
        actor: { type: 'user', id: "o'neil\\", name: nasty.replaceAll('\0', '') },
        data: { nasty, list: [1.5, null, { '': 'empty' }], 'a.b': 1, a: { b: 2 } },
        sessionId: 's\\t1',
        requestId: 'r',
        traceId: 'ab'.repeat(16),
        ip: '2001:db8::1',
        userAgent: 'x'.repeat(512),
      })
      await insert([made])
      const [found] = await store.search({ tenant }, { order: 'newest', limit: 10 })
      expect(found?.record).toEqual(made.record)
      expect(found?.receivedAtMs).toBe(Number(made.place.streamId.split('-')[0]))
      expect(recordText(found?.record ?? made.record)).toBe(made.text)
      expect(await all({ tenant, actorId: "o'neil\\" })).toHaveLength(1)
      expect(await all({ tenant, sessionId: 's\\t1' })).toHaveLength(1)
      expect(await all({ tenant, text: 'DROP TABLE' })).toHaveLength(1)
      expect((await store.find(tenant, made.record.id))?.record).toEqual(made.record)
      const known = await store.known([
        { tenant, id: made.record.id },
        { tenant, id: crypto.randomUUID() },
      ])
      expect([...known]).toEqual([[`${tenant}/${made.record.id}`, made.text]])
    })

    test('the same token and rows again add nothing, also at the same time', async () => {
      const tenant = tenantOf('token')
      const rows = [row({ tenant }), row({ tenant })]
      await Promise.all([
        store.insert(rows, `same:${tenant.slice(-8)}`),
        store.insert(rows, `same:${tenant.slice(-8)}`),
      ])
      await store.insert(rows, `same:${tenant.slice(-8)}`)
      expect(await all({ tenant })).toHaveLength(2)
    })

    test('trap 6: settings do not stay behind: an insert after a tokenised one is not taken for its repetition', async () => {
      const tenant = tenantOf('sticky')
      await store.insert([row({ tenant })], `first-${tenant.slice(-8)}`)
      await store.insert([row({ tenant })], `second-${tenant.slice(-8)}`)
      expect(await all({ tenant })).toHaveLength(2)
      await insert([row({ tenant })])
      expect(await all({ tenant })).toHaveLength(3)
    })

    test('10,000 rows are one insert, and one row more is refused', async () => {
      const tenant = tenantOf('many')
      const rows = Array.from({ length: 10_001 }, (_, at) => row({ tenant, data: { at } }))
      await expect(insert(rows)).rejects.toMatchObject({ code: 'rejected' })
      await insert(rows.slice(1))
      expect(await all({ tenant }, 10_001)).toHaveLength(10_000)
    })

    test('a row that does not fit is refused as such, and none of its batch is stored', async () => {
      const tenant = tenantOf('unfit')
      const good = row({ tenant })
      const bad = row({ tenant })
      const unfit = { ...bad, record: { ...bad.record, id: 'no-uuid' } }
      const refusal = await insert([good, unfit]).catch((error) => error)
      expect(refusal).toBeInstanceOf(StoreError)
      expect(refusal.code).toBe('rejected')
      expect(await all({ tenant })).toEqual([])
    })

    test('it knows how far each epoch of a partition is stored, by number and not by text', async () => {
      const tenant = tenantOf('places')
      const partition = 4000 + Math.floor(Math.random() * 9000)
      expect(await store.places(partition)).toEqual([])
      const at = (epoch: string, streamId: string) => row({ tenant }, { partition, epoch, streamId })
      await insert([at('e1', `${startMs}-9`), at('e1', `${startMs}-10`), at('e1', `${startMs}-2`)])
      await insert([at('e2', `${startMs + 7}-0`)])
      const places = await store.places(partition)
      expect(places.sort((a, b) => a.epoch.localeCompare(b.epoch))).toEqual([
        { epoch: 'e1', streamId: `${startMs}-10` },
        { epoch: 'e2', streamId: `${startMs + 7}-0` },
      ])
    })

    test('it knows which entries of a span are stored, both ends included', async () => {
      const tenant = tenantOf('present')
      const partition = 20_000 + Math.floor(Math.random() * 9000)
      const rows = [9, 10, 11, 12].map((seq) => row({ tenant }, { partition, streamId: `${startMs}-${seq}` }))
      await insert([...rows, row({ tenant }, { partition: 1, streamId: `${startMs}-10` })])
      const present = await store.present({ partition, first: `${startMs}-10`, last: `${startMs}-11` })
      expect([...present].sort()).toEqual(
        rows.slice(1, 3).map(({ place, record }) => entryKey(place.streamId, record.id)),
      )
    })

    test('every filter narrows to its own records, and never leaves the tenant', async () => {
      const tenant = tenantOf('filters')
      const odd: Partial<AuditEntry> = {
        actor: { type: 'user', id: 'ada' },
        action: 'ai.call.completed',
        outcome: 'denied',
        target: { type: 'ai.model', id: 'm1' },
        source: '/ai-service',
        sessionId: 'session-1',
        requestId: 'request-1',
        traceId: '0af7651916cd43dd8448eb211c80319c',
        data: { Note: 'a "quoted" Größe' },
      }
      const wanted = row({ tenant, ...odd })
      await insert([row({ tenant }), wanted, row({ tenant }), row({ ...odd, tenant: tenantOf('other') })])
      const at = Date.parse(wanted.record.occurredAt)
      const filters: Partial<Filter>[] = [
        { fromMs: at, toMs: at + 1 },
        { actorType: 'user' },
        { actorId: 'ada' },
        { action: 'ai.call.completed' },
        { action: 'ai.*' },
        { outcome: 'denied' },
        { targetType: 'ai.model' },
        { targetId: 'm1' },
        { source: '/ai-service' },
        { sessionId: 'session-1' },
        { requestId: 'request-1' },
        { traceId: '0af7651916cd43dd8448eb211c80319c' },
        { text: 'GRÖSSE'.replace('SS', 'ß') },
        { text: 'a "Quoted"' },
        { action: 'ai.*', outcome: 'denied', actorId: 'ada', text: 'note' },
      ]
      for (const filter of filters) expect(await all({ tenant, ...filter })).toEqual([wanted.record])
      const none: Partial<Filter>[] = [{ toMs: at - 1 }, { action: 'ai.' }, { action: 'i.*' }, { text: '%' }]
      for (const filter of none) expect(await all({ tenant, ...filter })).toEqual([])
      expect(await all({ tenant })).toHaveLength(3)
    })

    test('pages follow each other without a gap or a repetition, in both orders, also within one millisecond', async () => {
      const tenant = tenantOf('pages')
      const occurredAt = '2026-11-23T09:00:00.000Z'
      const rows = [
        ...Array.from({ length: 7 }, () => row({ tenant, occurredAt })),
        row({ tenant, occurredAt: '2026-11-22T09:00:00.000Z' }),
        ...Array.from({ length: 3 }, (_, seq) => row({ tenant, occurredAt }, { streamId: `${startMs}-${seq + 9}` })),
      ]
      await insert(rows)
      const walk = async (order: 'newest' | 'oldest') => {
        const ids: string[] = []
        let after: Position | undefined
        for (;;) {
          const page = await store.search({ tenant }, { order, limit: 3, ...(after ? { after } : {}) })
          if (page.length === 0) return ids
          ids.push(...page.map(({ record }) => record.id))
          after = page.at(-1)?.position
        }
      }
      const forth = await walk('oldest')
      expect(forth).toEqual([rows[7], ...rows.slice(8), ...rows.slice(0, 7)].map((made) => made?.record.id ?? ''))
      expect(await walk('newest')).toEqual(forth.reverse())
    })

    test('an id of another tenant is not found', async () => {
      const made = row({ tenant: tenantOf('mine') })
      await insert([made])
      expect(await store.find(tenantOf('theirs'), made.record.id)).toBeUndefined()
    })

    test('what is no record is kept in quarantine with its reason, once', async () => {
      const tenant = tenantOf('poison')
      const poison: Poison = {
        place: { partition: 1, epoch: 'e1', streamId: `${startMs}-3` },
        tenant,
        eventId: 'not a uuid',
        reason: 'is not JSON',
        text: '{"a',
      }
      await store.quarantine([poison], `q-${tenant.slice(-8)}`)
      await store.quarantine([poison], `q-${tenant.slice(-8)}`)
      expect(await store.quarantined(tenant, { limit: 10 })).toEqual([{ ...poison, receivedAtMs: startMs }])
      expect(await store.quarantined(tenantOf('other'), { limit: 10 })).toEqual([])
    })

    test('many readers wait their turn instead of failing', async () => {
      const tenant = tenantOf('readers')
      await insert([row({ tenant })])
      const counts = await Promise.all(Array.from({ length: 40 }, async () => (await all({ tenant })).length))
      expect(counts).toEqual(Array(40).fill(1))
    })
  })
}
