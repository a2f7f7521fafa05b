import { afterAll, beforeAll } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis, type TestRedis } from '@santaclaude/testkit/redis-server'
import { schemaStoreConformance } from './conformance.ts'
import { schemasInMemory } from './memory.ts'
import type { SchemaStore } from './port.ts'
import { schemasInRedis } from './redis.ts'

let server: TestRedis
let redis: ReturnType<typeof openRedis>
let store: SchemaStore
beforeAll(async () => {
  server = await startRedis()
  redis = openRedis(server.url, { name: 'test' })
  store = schemasInRedis(redis)
})
afterAll(async () => {
  redis.disconnect()
  await server.close()
})

schemaStoreConformance('redis', () => store)
const memory = schemasInMemory()
schemaStoreConformance('memory', () => memory)
