import { join } from 'node:path'
import { openRedis } from '@santaclaude/redis/open'
import { hashSecret, makeKey } from '@santaclaude/service/keys'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { load } from './load.ts'
import { cpuMicrosOf, measured } from './process.ts'
import type { Row } from './run.ts'

const rounds = 3
const pepper = 'bench'
const event = { type: 'bench.event.made', data: { text: 'a'.repeat(240) } }

/** The bytes of one request. */
const post = (path: string, key: string, body: string) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

/** message-queue-service over HTTP as an outside caller meets it, with every publish on the audit record; AOF everysec. */
export async function queueBench(): Promise<Row[]> {
  const server = await startRedis()
  const redis = openRedis(server.url, { name: 'bench' })
  const { id, secret, text: key } = makeKey()
  const secrets = [{ hash: hashSecret(pepper, secret) }]
  const scopes = ['events:publish', 'events:consume', 'events:admin'] as const
  await keysInRedis(redis).put({
    id,
    tenant: 'acme',
    name: 'bench',
    scopes: [...scopes],
    limits: {},
    secrets,
    createdAtMs: 0,
  })
  const service = await measured(join(import.meta.dir, '../../apps/message-queue-service/src/main.ts'), {
    PORT: '0',
    REDIS_URL: server.url,
    KEY_PEPPER: pepper,
  })
  const call = async (method: string, path: string, body: unknown) => {
    const response = await fetch(`http://127.0.0.1:${service.port}${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Record<string, unknown>
  }
  const cpu = () => ({ service: service.cpuMicros(), redis: cpuMicrosOf(server.pid), ms: performance.now() })
  const since = (before: ReturnType<typeof cpu>, events: number, what: string) => {
    const now = cpu()
    return {
      what,
      perSecond: (events / (now.ms - before.ms)) * 1000,
      service: (now.service - before.service) / events,
      redis: (now.redis - before.redis) / events,
    }
  }
  const publish = async (what: string, batch: number, requests: number, connections: number) => {
    const body = JSON.stringify(batch === 1 ? event : Array.from({ length: batch }, () => event))
    const before = cpu()
    const { wrong } = await load({
      port: service.port,
      request: post('/v1/topics/bench/events', key, body),
      connections,
      requests,
      status: 201,
    })
    if (wrong > 0) throw new Error(`${wrong} publishes were refused`)
    return since(before, requests * batch, what)
  }
  const drain = async (what: string, total: number) => {
    const before = cpu()
    let got = 0
    const worker = async () => {
      while (got < total) {
        const { deliveries } = (await call('POST', '/v1/topics/bench/groups/readers/pull', {
          max: 100,
          waitMs: 200,
        })) as { deliveries: { receipt: string }[] }
        if (deliveries.length === 0) continue
        await call('POST', '/v1/topics/bench/groups/readers/settle', {
          settlements: deliveries.map(({ receipt }) => ({ op: 'ack', receipt })),
        })
        got += deliveries.length
      }
    }
    await Promise.all(Array.from({ length: 4 }, worker))
    if (got !== total) throw new Error(`${got} events were delivered, ${total} published`)
    return since(before, total, what)
  }
  try {
    await call('PUT', '/v1/topics/bench', { retention: { maxEvents: null } })
    await call('PUT', '/v1/topics/bench/groups/readers', {})
    const runs: ReturnType<typeof since>[] = []
    for (let round = 0; round < rounds; round++) {
      runs.push(await publish('publish one event, 64 connections', 1, 20_000, 64))
      runs.push(await publish('publish 100 events, 8 connections', 100, 600, 8))
      runs.push(await drain('pull + settle, 100 at a time', 80_000))
    }
    const best = [...Map.groupBy(runs, ({ what }) => what).values()].map((same) =>
      same.reduce((a, b) => (a.perSecond > b.perSecond ? a : b)),
    )
    return best.map(({ what, perSecond, service: own, redis: theirs }) => ({
      what,
      figure: `${Math.round(perSecond)}/s, CPU ${own.toFixed(1)} µs service + ${theirs.toFixed(1)} µs Redis per event`,
      ratio: '',
    }))
  } finally {
    redis.disconnect()
    await service.close()
    await server.close()
  }
}
