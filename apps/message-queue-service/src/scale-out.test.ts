import { expect, test } from 'bun:test'
import { pause } from '@santaclaude/kit/deadline'
import { openRedis, whenReady } from '@santaclaude/redis/open'
import { keysInRedis } from '@santaclaude/service/keys-redis'
import { startCluster } from '@santaclaude/testkit/redis-cluster'
import { startSentinel } from '@santaclaude/testkit/redis-sentinel'
import { testKey } from '@santaclaude/testkit/test-key'

/** The process as it runs, on Redis as it is run when one server is not enough. */
const houses = {
  Cluster: async () => {
    const cluster = await startCluster()
    // The first partition of the topic that the test uses.
    const primary = async () => (await cluster.primaryOf('mq:{acme:orders:0}:s')).server
    return { url: cluster.url, primary, close: cluster.close }
  },
  Sentinel: () => startSentinel(),
}

const DEADLINE_MS = 30_000

/** Asks again until the answer is there. */
async function until<Answer>(look: () => Promise<Answer | undefined>): Promise<Answer> {
  const endMs = performance.now() + DEADLINE_MS
  for (;;) {
    const answer = await look().catch(() => undefined)
    if (answer !== undefined) return answer
    if (performance.now() > endMs) throw new Error(`not within ${DEADLINE_MS} ms`)
    await pause(50)
  }
}

async function portOf(output: ReadableStream<Uint8Array>): Promise<number> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const piece of output) {
    text += decoder.decode(piece, { stream: true })
    const port = /"msg":"listening","port":(\d+)/.exec(text)?.[1]
    if (port) return Number(port)
  }
  throw new Error(`the service did not start: ${text}`)
}

test.each(['Cluster', 'Sentinel'] as const)(
  'on a %s the service goes on without a restart when the primary dies, and has what it acknowledged under replicas=1',
  async (kind) => {
    const house = await houses[kind]()
    const redis = openRedis(house.url, { name: 'test' })
    await whenReady(redis, 5_000)
    const key = await testKey(keysInRedis(redis), ['events:publish', 'events:consume', 'events:admin'], 'acme')
    const child = Bun.spawn([process.execPath, `${import.meta.dir}/main.ts`], {
      env: { PORT: '0', KEY_PEPPER: 'test-pepper', REDIS_URL: house.url, DRAIN_MS: '1000' },
      stdout: 'pipe',
      stderr: 'inherit',
    })
    try {
      const base = `http://127.0.0.1:${await portOf(child.stdout)}`
      const ask = (method: string, path: string, body?: unknown, more: Record<string, string> = {}) =>
        fetch(`${base}${path}`, {
          method,
          headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...more },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        })
      await until(async () => ((await fetch(`${base}/ready`)).status === 200 ? true : undefined))
      expect((await ask('PUT', '/v1/topics/orders', { partitions: 1 })).status).toBe(201)
      const publish = (n: number, more?: Record<string, string>) =>
        ask('POST', '/v1/topics/orders/events', { type: 'order.placed', data: { n } }, more)
      const acked: number[] = []
      let isOver = false
      const publishing = (async () => {
        for (let n = 0; !isOver; n++) {
          const answer = await publish(n, { 'mq-durability': 'replicas=1' }).catch(() => undefined)
          if (answer?.status === 201) acked.push(n)
        }
      })()
      await until(async () => (acked.length > 50 ? true : undefined))
      await (await house.primary()).kill9()
      await until(async () => ((await fetch(`${base}/ready`)).status === 200 ? true : undefined))
      await until(async () => ((await publish(-1)).status === 201 ? true : undefined))
      isOver = true
      await publishing

      const seen = new Set<number>()
      for (let path = '/v1/topics/orders/events?limit=1000'; ; ) {
        const page = (await (await ask('GET', path)).json()) as {
          events: { event: { data: { n: number } } }[]
          cursor: string
          isEnd: boolean
        }
        for (const { event } of page.events) seen.add(event.data.n)
        if (page.isEnd) break
        path = `/v1/topics/orders/events?limit=1000&from=${page.cursor}`
      }
      expect(acked.filter((n) => !seen.has(n))).toEqual([])
      expect(seen.has(-1)).toBe(true)
      expect(child.exitCode).toBeNull()
    } finally {
      child.kill('SIGKILL')
      await child.exited
      redis.disconnect()
      await house.close()
    }
  },
  90_000,
)
