import { uuidv7 } from '@santaclaude/kit/ids'
import type { NewEvent } from '@santaclaude/log/port'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { cpuMicrosOf } from './process.ts'
import type { Row } from './run.ts'

const payload = JSON.stringify({ text: 'a'.repeat(240) })
const rounds = 3

interface Measured {
  perSecond: number
  redisMicros: number
  ownMicros: number
}

/** Events a second, and CPU per event at Redis and here. `work` answers how many events it moved. */
async function measure(redisPid: number, work: () => Promise<number>): Promise<Measured> {
  const before = { redis: cpuMicrosOf(redisPid), own: process.cpuUsage(), ms: performance.now() }
  const events = await work()
  const own = process.cpuUsage(before.own)
  return {
    perSecond: (events / (performance.now() - before.ms)) * 1000,
    redisMicros: (cpuMicrosOf(redisPid) - before.redis) / events,
    ownMicros: (own.user + own.system) / events,
  }
}

const best = (runs: Measured[]) => runs.reduce((a, b) => (a.perSecond > b.perSecond ? a : b))

/** What redis-benchmark reaches with XADD of the same payload: the baseline. */
async function redisBenchmark(port: number, pipeline: number): Promise<number> {
  const child = Bun.spawn(
    [
      'redis-benchmark',
      '-p',
      String(port),
      '-c',
      '50',
      '-P',
      String(pipeline),
      '-n',
      '200000',
      '-q',
      '--csv',
      'XADD',
      'bench',
      'MAXLEN',
      '~',
      '100000',
      '*',
      'd',
      payload,
    ],
    { stdin: 'ignore', stdout: 'pipe', stderr: 'ignore' },
  )
  const out = await new Response(child.stdout).text()
  const rate = /","([\d.]+)"/.exec(out.split('\n').at(-2) ?? '')?.[1]
  if (!rate) throw new Error(`redis-benchmark said: ${out}`)
  return Number(rate)
}

const event = (): NewEvent => ({ id: uuidv7(), source: '/bench', type: 'bench.event.made', dataJson: payload })

/** Publish and pull rates of `lib/log` against raw redis-benchmark XADD on the same Redis, AOF everysec. */
export async function logBench(): Promise<Row[]> {
  const server = await startRedis()
  const log = openLog({ redisUrl: server.url })
  const topic = { tenant: 'bench', topic: 'log' }
  const group = { ...topic, group: 'readers' }
  try {
    await log.createTopic(topic, { partitions: 4, retention: { maxEvents: null } })
    await log.putGroup(group, { leaseMs: 600_000 })

    const append = async (total: number, concurrency: number, batch: number) => {
      let left = total
      const worker = async () => {
        while (left > 0) {
          left -= batch
          await log.append(topic, Array.from({ length: batch }, event))
        }
      }
      await Promise.all(Array.from({ length: concurrency }, worker))
      return total
    }
    const drain = async (total: number) => {
      let got = 0
      while (got < total) {
        const deliveries = await log.pull(group, { max: 100, waitMs: 1_000 })
        if (deliveries.length === 0) throw new Error(`the group ran dry at ${got} of ${total}`)
        const settled = await log.settle(
          group,
          deliveries.map(({ receipt }) => ({ op: 'ack', receipt })),
        )
        if (settled.some(({ ok }) => !ok)) throw new Error('a lease was lost')
        got += deliveries.length
      }
      return got
    }

    const figures: Record<string, Measured[]> = { single: [], batch: [], pull: [] }
    const raw: number[] = []
    const rawDeep: number[] = []
    for (let round = 0; round < rounds; round++) {
      raw.push(await redisBenchmark(server.port, 1))
      rawDeep.push(await redisBenchmark(server.port, 16))
      figures.single?.push(await measure(server.pid, () => append(60_000, 64, 1)))
      figures.batch?.push(await measure(server.pid, () => append(100_000, 8, 100)))
      figures.pull?.push(await measure(server.pid, () => drain(160_000)))
    }
    const lag = await log.lag(group)
    if (lag.ready + lag.leased + lag.parked + lag.dead !== 0)
      throw new Error(`not every event was delivered: ${JSON.stringify(lag)}`)
    const baseline = Math.max(...raw)
    const row = (what: string, { perSecond, redisMicros, ownMicros }: Measured): Row => ({
      what,
      figure: `${Math.round(perSecond)}/s, CPU ${redisMicros.toFixed(1)} µs Redis + ${ownMicros.toFixed(1)} µs here`,
      ratio: (perSecond / baseline).toFixed(2),
    })
    return [
      { what: 'redis-benchmark XADD, 50 connections', figure: `${Math.round(baseline)}/s`, ratio: '1.00' },
      {
        what: 'redis-benchmark XADD, 50 connections, 16 deep',
        figure: `${Math.round(Math.max(...rawDeep))}/s`,
        ratio: (Math.max(...rawDeep) / baseline).toFixed(2),
      },
      row('lib/log append, one at a time by 64 callers', best(figures.single ?? [])),
      row('lib/log append, 100 at a time by 8 callers', best(figures.batch ?? [])),
      row('lib/log pull + ack, 100 at a time', best(figures.pull ?? [])),
    ]
  } finally {
    await log.close()
    await server.close()
  }
}
