import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium } from '@santaclaude/engines/chromium'
import { pause } from '@santaclaude/kit/deadline'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { serviceNames } from '../contract/in-process.ts'
import { wholeStack } from '../contract/whole-stack.ts'
import { measured, median } from './process.ts'
import type { Row } from './run.ts'

const rounds = 3

/** Cold start (process to listening) and idle memory of each service, and the time `dev` needs until all five are ready. */
export async function startBench(): Promise<Row[]> {
  const redis = await startRedis()
  const dir = mkdtempSync(join(tmpdir(), 'sc-bench-'))
  const { path } = await ensureChromium({ path: process.env.CHROMIUM_PATH, unpackDir: join(dir, 'chromium') })
  const rows: Row[] = []
  try {
    for (const name of serviceNames()) {
      const starts: number[] = []
      const memory: number[] = []
      for (let round = 0; round < rounds; round++) {
        const service = await measured(join(import.meta.dir, `../../apps/${name}/src/main.ts`), {
          PORT: '0',
          REDIS_URL: redis.url,
          KEY_PEPPER: 'bench',
          CHROMIUM_PATH: path,
          CLICKHOUSE_URL: `chdb:${join(dir, `clickhouse-${round}`)}`,
        })
        await pause(500)
        starts.push(service.startMs)
        memory.push(service.residentMib())
        await service.close()
      }
      rows.push({
        what: `${name}: start until listening, idle memory`,
        figure: `${median(starts).toFixed(0)} ms, ${median(memory).toFixed(0)} MiB`,
        ratio: '',
      })
    }
    const times: number[] = []
    for (let round = 0; round < rounds; round++) {
      const startedMs = performance.now()
      const whole = await wholeStack()
      times.push(performance.now() - startedMs)
      await whole.close()
    }
    rows.push({
      what: 'all five services and Redis, start until ready',
      figure: `${(median(times) / 1000).toFixed(1)} s`,
      ratio: '',
    })
    return rows
  } finally {
    await redis.close()
    rmSync(dir, { recursive: true, force: true })
  }
}
