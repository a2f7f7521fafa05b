import { expect, test } from 'bun:test'
import { openLog } from '@santaclaude/log/redis-streams'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { startApp } from '../app.fixture.ts'
import { sing } from './canary.ts'

test('the canary sings on every partition, and is missed when the store is away', async () => {
  const server = await startRedis()
  const log = openLog({ redisUrl: server.url })
  try {
    const app = await startApp({ log })
    const told = async (name: string) => {
      const text = await app.host.metrics.text()
      return Number(new RegExp(`^sc_message_queue_${name} (.*)$`, 'm').exec(text)?.[1])
    }
    await sing(app)
    expect(await told('canary_seconds_count')).toBe(8)
    expect(await told('canary_misses_total')).toBe(0)
    await sing(app)
    expect(await told('canary_seconds_count')).toBe(16)
    expect(await log.lag({ tenant: 'sc', topic: 'canary', group: 'canary' })).toMatchObject({ ready: 0, leased: 0 })
    await server.kill9()
    await expect(sing(app)).rejects.toThrow()
    expect(await told('canary_misses_total')).toBe(8)
  } finally {
    await log.close()
    await server.close()
  }
}, 20_000)
