import { afterAll, beforeAll } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { directoryConformance } from './conformance.ts'
import { directoryInMemory } from './memory.ts'
import { directoryInRedis } from './redis.ts'

let server: TestRedis
let redis: ReturnType<typeof openRedis>
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'directory-test' })
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

directoryConformance('redis', () => directoryInRedis(redis))
directoryConformance('memory', () => directoryInMemory())
