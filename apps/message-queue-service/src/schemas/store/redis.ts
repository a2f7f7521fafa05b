import { script } from '@santaclaude/redis/script'
import type { Redis } from 'ioredis'
import type { Schema } from '../judge.ts'
import addText from './add.lua' with { type: 'text' }
import type { SchemaStore, TypeEntry } from './port.ts'

const runAdd = script(addText)
const typesKey = (tenant: string) => `mq:{${tenant}}:schemas`
const versionsKey = (tenant: string, type: string) => `mq:{${tenant}}:schema:${type}`

/** Schemas in Redis: `mq:{tenant}:schemas` holds what is registered per type, `mq:{tenant}:schema:<type>` its versions. */
export function schemasInRedis(redis: Redis): SchemaStore {
  return {
    async types(tenant) {
      const found = await redis.hvals(typesKey(tenant))
      return found.map((text) => JSON.parse(text) as TypeEntry).sort((a, b) => (a.type < b.type ? -1 : 1))
    },
    async find(tenant, type) {
      const text = await redis.hget(typesKey(tenant), type)
      return text === null ? undefined : (JSON.parse(text) as TypeEntry)
    },
    async version(tenant, type, version) {
      const text = await redis.hget(versionsKey(tenant, type), String(version))
      return text === null ? undefined : (JSON.parse(text) as Schema)
    },
    async add(tenant, entry, schema) {
      const keys = [versionsKey(tenant, entry.type), typesKey(tenant)]
      const args = [entry.latest, JSON.stringify(schema), entry.type, JSON.stringify(entry)]
      return (await runAdd<number>(redis, keys, args)) === 1
    },
    async change(tenant, entry) {
      await redis.hset(typesKey(tenant), entry.type, JSON.stringify(entry))
    },
    async remove(tenant, type) {
      const [[, removed] = []] =
        (await redis.multi().hdel(typesKey(tenant), type).del(versionsKey(tenant, type)).exec()) ?? []
      return removed === 1
    },
  }
}
