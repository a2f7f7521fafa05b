import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { guard } from '@santaclaude/engines/guardian'
import { freePort } from '@santaclaude/engines/ports'

/** A ClickHouse server for tests: the chDB engine in a process of its own, behind ClickHouse's HTTP interface. */
export interface ChdbOverHttp {
  /** For `CLICKHOUSE_URL`. Stays the same over `restart`. */
  url: string
  readonly pid: number
  /** Ends the process as a crash would; the data stays. */
  kill9(): Promise<void>
  /** Starts it again on the same port and data; ends it first when it still runs. */
  restart(): Promise<void>
  /**
   * The next `count` inserts are carried out but their answers are lost: the connection is cut, as when a network
   * breaks between the commit and the reply.
   */
  loseInsertAnswers(count: number): Promise<void>
  /** Ends it and removes its data. */
  close(): Promise<void>
}

/** Starts one. Queries run side by side, each in a session of its own, so settings never stay behind. */
export async function startChdbOverHttp(): Promise<ChdbOverHttp> {
  const dir = mkdtempSync(join(tmpdir(), 'sc-chdb-'))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  let child = await start(dir, port)
  const stop = async (signal: 'SIGKILL' | 'SIGTERM') => {
    child.kill(signal)
    await child.exited
  }
  return {
    url,
    get pid() {
      return child.pid
    },
    kill9: () => stop('SIGKILL'),
    restart: async () => {
      await stop('SIGTERM')
      child = await start(dir, port)
    },
    loseInsertAnswers: async (count) => {
      await fetch(`${url}/lose-insert-answers?count=${count}`, { method: 'POST' })
    },
    close: async () => {
      await stop('SIGTERM')
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

async function start(dir: string, port: number) {
  const script = new URL('./chdb-over-http-server.ts', import.meta.url).pathname
  const child = Bun.spawn({
    cmd: [process.execPath, script, dir, String(port)],
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const complaints = new Response(child.stderr).text()
  const release = guard(child.pid)
  child.exited.then(release)
  const reader = child.stdout.getReader()
  // The child says one line when it listens; the end of its output means that it could not start.
  const { done } = await reader.read()
  if (done) throw new Error(`the chDB server did not start: ${await complaints}`)
  reader.cancel().catch(() => {})
  return child
}
