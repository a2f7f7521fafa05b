import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { type ClickHouseClient, type ClickHouseClientConfigOptions, createClient } from '@clickhouse/client'
import { uuidv7 } from '@santaclaude/kit/ids'
import { type Engine, EngineError } from './engine.ts'

const readersCount = 3

/**
 * The ClickHouse engine inside this process (chDB), its data in `dir`. One process holds a folder at a time, and one
 * process holds one folder. The engine is a 540 MB library that not every platform has, so it is loaded here and not
 * before. Throws {@link EngineError} when the platform lacks it or the folder is taken.
 */
export async function openEmbedded(dir: string, load = loadEngine): Promise<Engine> {
  const { createChdbConnection, drainPending } = await loaded(load)
  const path = resolve(dir)
  mkdirSync(path, { recursive: true })
  const clients: ClickHouseClient[] = []
  const close = async () => {
    for (const client of clients) await client.close()
    await drainPending()
  }
  try {
    for (let count = 0; count <= readersCount; count++) {
      // chdb is typed against its own copy of the client's types; the interface is the same.
      const connection = createChdbConnection({
        path,
      }) as unknown as Required<ClickHouseClientConfigOptions>['connection']
      clients.push(createClient({ connection }))
    }
  } catch (cause) {
    await close()
    throw new EngineError(refusal(path, cause), { cause })
  }
  const [writer, ...readers] = clients as [ClickHouseClient, ...ClickHouseClient[]]
  return { name: 'embedded', writerId: idOf(path), writer, readers, close }
}

/** The folder's own name, made once and kept in it: whoever holds the folder is its only writer. */
function idOf(path: string): string {
  const file = join(path, 'writer-id')
  if (!existsSync(file)) writeFileSync(file, uuidv7())
  return readFileSync(file, 'utf8')
}

async function loadEngine() {
  const [{ createChdbConnection }, { drainPending }] = await Promise.all([import('chdb/connection'), import('chdb')])
  return { createChdbConnection, drainPending }
}

async function loaded(load: typeof loadEngine) {
  try {
    return await load()
  } catch (cause) {
    throw new EngineError(
      `The embedded ClickHouse engine (npm package chdb) does not load on ${process.platform}-${process.arch}: it exists for glibc Linux and macOS, x64 and arm64. Set CLICKHOUSE_URL=http://… to use a ClickHouse server instead.`,
      { cause },
    )
  }
}

/** The engine prints its reason and throws none: who holds the folder is in its lock file, `status`. */
function refusal(path: string, cause: unknown): string {
  const holder = holderOf(path)
  if (holder === undefined)
    return `The embedded ClickHouse engine cannot open ${path}: ${cause instanceof Error ? cause.message : String(cause)}`
  return `The folder ${path} is in use by process ${holder}: the embedded ClickHouse engine allows one process per folder. Stop that one, or set CLICKHOUSE_URL=http://… to share a ClickHouse server.`
}

/** The process named in the folder's lock file, if it lives and is not this one. */
function holderOf(path: string): number | undefined {
  try {
    const pid = Number(/^PID: (\d+)/m.exec(readFileSync(join(path, 'status'), 'utf8'))?.[1])
    if (!pid || pid === process.pid) return undefined
    process.kill(pid, 0)
    return pid
  } catch {
    return undefined
  }
}
