import { afterAll, beforeAll, expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ChdbOverHttp, startChdbOverHttp } from '@santaclaude/testkit/chdb-over-http'
import { clickhouseStore } from './clickhouse.ts'
import { row, storeConformance } from './conformance.ts'
import { openEmbedded } from './embedded.ts'
import { memoryStore } from './memory.ts'
import { openServer } from './server.ts'

const limits = { database: 'audit', queryMs: 20_000, insertMs: 20_000 }
const dir = mkdtempSync(join(tmpdir(), 'sc-audit-store-'))
let server: ChdbOverHttp
beforeAll(async () => {
  server = await startChdbOverHttp()
})
afterAll(async () => {
  await server.close()
  rmSync(dir, { recursive: true, force: true })
})

const overHttp = () => clickhouseStore(openServer(server.url, { requestMs: 20_000 }), limits)

storeConformance('memory', async () => memoryStore())
storeConformance('the embedded engine', async () => clickhouseStore(await openEmbedded(dir), limits))
storeConformance('a server over HTTP', async () => overHttp())

test('an insert whose answer was lost counts as unavailable, and its repetition adds nothing', async () => {
  const store = overHttp()
  await store.prepare()
  const made = row({ tenant: `lost-${crypto.randomUUID()}` })
  await server.loseInsertAnswers(1)
  await expect(store.insert([made], 'lost-1')).rejects.toMatchObject({ code: 'unavailable' })
  await store.insert([made], 'lost-1')
  expect(await store.search({ tenant: made.record.tenant }, { order: 'newest', limit: 9 })).toHaveLength(1)
  await store.close()
})

test('a server that is killed makes calls fail as unavailable, and the store works again when it is back', async () => {
  const store = overHttp()
  await store.prepare()
  const made = row({ tenant: `killed-${crypto.randomUUID()}` })
  await store.insert([made], 'killed-1')
  await server.kill9()
  await expect(store.ping()).rejects.toMatchObject({ code: 'unavailable', faultCode: 'store_unavailable' })
  await expect(store.insert([row()], 'killed-2')).rejects.toMatchObject({ code: 'unavailable' })
  await server.restart()
  await store.ping()
  expect(await store.search({ tenant: made.record.tenant }, { order: 'newest', limit: 9 })).toHaveLength(1)
  await store.close()
})

test('where the engine does not load, the message names the platform and what to set', async () => {
  const opening = openEmbedded(dir, () => Promise.reject(new Error('no library for this platform')))
  await expect(opening).rejects.toThrow(`does not load on ${process.platform}-${process.arch}`)
  await expect(opening).rejects.toThrow('CLICKHOUSE_URL=http')
})

test('a second process on the folder is told which one and what to do instead', async () => {
  const held = await openEmbedded(dir)
  const script = `import { openEmbedded } from ${JSON.stringify(join(import.meta.dir, 'embedded.ts'))}
    await openEmbedded(${JSON.stringify(dir)}).catch((error) => { console.log(error.name, error.message); process.exit(3) })`
  const second = Bun.spawn({ cmd: [process.execPath, '-e', script], stdout: 'pipe', stderr: 'ignore' })
  expect(await second.exited).toBe(3)
  const said = await new Response(second.stdout).text()
  expect(said).toStartWith(`EngineError The folder ${dir} is in use by process ${process.pid}: `)
  expect(said).toContain('CLICKHOUSE_URL=http')
  await held.close()
})
