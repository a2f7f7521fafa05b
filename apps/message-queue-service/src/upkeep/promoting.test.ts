import { expect, test } from 'bun:test'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'
import { startPromoting } from './promoting.ts'

test('a delayed event reaches a waiting pull, also after Redis went away and came back', async () => {
  const redis = await startRedis({ appendfsync: 'always' })
  const app = await startApp({ log: openLog({ redisUrl: redis.url }) })
  const promoting = startPromoting(app)
  try {
    await app.ask('PUT', '/v1/topics/orders', { body: {} })
    await app.ask('PUT', '/v1/topics/orders/groups/workers', { body: {} })
    const pull = (waitMs: number) =>
      app.log.pull({ tenant: 'acme', topic: 'orders', group: 'workers' }, { max: 1, waitMs }).catch(() => [])
    const headers = { 'mq-delay': '20ms' }
    const waiting = pull(60_000)
    expect((await app.ask('POST', '/v1/topics/orders/events', { body: { type: 'first' }, headers })).status).toBe(202)
    expect((await waiting)[0]?.entry.event.type).toBe('first')
    await app.ask('POST', '/v1/topics/orders/events', { body: { type: 'second' }, headers: { 'mq-delay': '200ms' } })
    await redis.kill9()
    await redis.restart()
    for (let got = await pull(1_000); got[0]?.entry.event.type !== 'second'; ) got = await pull(1_000)
  } finally {
    await promoting.close()
    await app.log.close()
    await redis.close()
  }
}, 30_000)
