import { join } from 'node:path'
import { openRedis } from '@santaclaude/redis/open'
import { hashSecret, makeKey } from '@santaclaude/service/keys'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { bullMq } from './bullmq.ts'
import { load } from './load.ts'
import { cpuMicrosOf, type Measured, measured } from './process.ts'
import type { Row } from './run.ts'

const rounds = 3
const pepper = 'bench'
const event = { type: 'bench.event.made', data: { text: 'a'.repeat(240) } }

/** One measured piece of work. `actor` is whoever drives Redis: our service, or BullMQ in this process. */
interface Run {
  what: string
  perSecond: number
  actorMicros: number
  redisMicros: number
}

/**
 * message-queue-service over HTTP as an outside caller meets it, every publish on the audit record, beside BullMQ in
 * process; the same Redis (AOF everysec), the same payload, every delivery counted. Ratios are against BullMQ's row.
 */
export async function queueBench(): Promise<Row[]> {
  const server = await startRedis()
  const key = await benchKey(server.url)
  const service = await measured(join(import.meta.dir, '../../apps/message-queue-service/src/main.ts'), {
    PORT: '0',
    REDIS_URL: server.url,
    KEY_PEPPER: pepper,
  })
  const bull = bullMq(server.port, event.data)
  const own = () => {
    const { user, system } = process.cpuUsage()
    return user + system
  }
  const timed = async (what: string, actor: () => number, work: () => Promise<number>): Promise<Run> => {
    const before = { actor: actor(), redis: cpuMicrosOf(server.pid), ms: performance.now() }
    const events = await work()
    return {
      what,
      perSecond: (events / (performance.now() - before.ms)) * 1000,
      actorMicros: (actor() - before.actor) / events,
      redisMicros: (cpuMicrosOf(server.pid) - before.redis) / events,
    }
  }
  try {
    const http = httpClient(service, key)
    await http.call('PUT', '/v1/topics/bench', { retention: { maxEvents: null } })
    await http.call('PUT', '/v1/topics/bench/groups/readers', {})
    const runs: Run[] = []
    for (let round = 0; round < rounds; round++) {
      runs.push(await timed('BullMQ add, 64 callers', own, () => bull.add(8_000, 64)))
      runs.push(
        await timed('publish one event over HTTP, 64 connections', service.cpuMicros, () =>
          http.publish(1, 20_000, 64),
        ),
      )
      runs.push(await timed('BullMQ addBulk, 100 a call', own, () => bull.addBulk(12_000, 100, 8)))
      runs.push(
        await timed('publish 100 events a request over HTTP', service.cpuMicros, () => http.publish(100, 600, 8)),
      )
      runs.push(await timed('BullMQ process, concurrency 100', own, () => bull.process(20_000)))
      runs.push(await timed('pull + settle over HTTP, 100 at a time', service.cpuMicros, () => http.drain(80_000)))
    }
    return rowsOf(runs)
  } finally {
    await bull.close()
    await service.close()
    await server.close()
  }
}

/** The best round of each piece of work; ours against the BullMQ row before it. */
function rowsOf(runs: Run[]): Row[] {
  const best = [...Map.groupBy(runs, ({ what }) => what).values()].map((same) =>
    same.reduce((a, b) => (a.perSecond > b.perSecond ? a : b)),
  )
  return best.map((run, n) => {
    const rival = n % 2 === 0 ? run : (best[n - 1] as Run)
    return {
      what: run.what,
      figure: `${Math.round(run.perSecond)}/s, CPU ${run.actorMicros.toFixed(1)} + Redis ${run.redisMicros.toFixed(1)} µs per event`,
      ratio: (run.perSecond / rival.perSecond).toFixed(2),
    }
  })
}

async function benchKey(redisUrl: string): Promise<string> {
  const redis = openRedis(redisUrl, { name: 'bench' })
  const { id, secret, text } = makeKey()
  const secrets = [{ hash: hashSecret(pepper, secret) }]
  const scopes = ['events:publish', 'events:consume', 'events:admin'] as const
  const about = { tenant: 'acme', name: 'bench', limits: {}, createdAtMs: 0 }
  await keysInRedis(redis).put({ id, scopes: [...scopes], secrets, ...about })
  redis.disconnect()
  return text
}

function httpClient({ port }: Measured, key: string) {
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  async function call<Answer>(method: string, path: string, body: unknown): Promise<Answer> {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, { method, headers, body: JSON.stringify(body) })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  return {
    call,
    async publish(batch: number, requests: number, connections: number) {
      const body = JSON.stringify(batch === 1 ? event : Array.from({ length: batch }, () => event))
      const lines = [
        'POST /v1/topics/bench/events HTTP/1.1',
        'host: localhost',
        `content-length: ${Buffer.byteLength(body)}`,
      ]
      const request = [...lines, ...Object.entries(headers).map((header) => header.join(': ')), '', body].join('\r\n')
      const { wrong } = await load({ port, request, connections, requests, status: 201 })
      if (wrong > 0) throw new Error(`${wrong} publishes were refused`)
      return batch * requests
    },
    async drain(total: number) {
      let got = 0
      const worker = async () => {
        while (got < total) {
          const pulled = await call<{ deliveries: { receipt: string }[] }>(
            'POST',
            '/v1/topics/bench/groups/readers/pull',
            { max: 100, waitMs: 200 },
          )
          if (pulled.deliveries.length === 0) continue
          const settlements = pulled.deliveries.map(({ receipt }) => ({ op: 'ack', receipt }))
          await call('POST', '/v1/topics/bench/groups/readers/settle', { settlements })
          got += settlements.length
        }
      }
      await Promise.all(Array.from({ length: 4 }, worker))
      if (got !== total) throw new Error(`${got} events were delivered, ${total} published`)
      return got
    },
  }
}
