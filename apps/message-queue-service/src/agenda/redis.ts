import { base62Random } from '@santaclaude/kit/ids'
import { script } from '@santaclaude/redis/script'
import type { Redis } from 'ioredis'
import type { Agenda, Item } from './port.ts'
import dueText from './scripts/due.lua' with { type: 'text' }
import ownText from './scripts/own.lua' with { type: 'text' }
import putText from './scripts/put.lua' with { type: 'text' }

const [dueScript, ownScript, putScript] = [script(dueText), script(ownText), script(putText)]

/** The agendas of this service. */
export const agendasInRedis = (redis: Redis) => ({
  redrives: agendaInRedis(redis, 'redrives'),
  schedules: agendaInRedis(redis, 'schedules'),
})

/** An agenda in Redis: per tenant a hash of items, and one sorted set of what is due, all on one node of a Cluster. */
export function agendaInRedis(redis: Redis, kind: 'schedules' | 'redrives'): Agenda {
  const base = `mq:{agenda:${kind}}`
  const items = (tenant: string) => `${base}:items:${tenant}`
  const dueKey = `${base}:due`
  const [ownerKey, fenceKey] = [`${base}:own`, `${base}:fence`]
  const token = base62Random(16)

  const get = async (tenant: string, id: string) => {
    const text = await redis.hget(items(tenant), id)
    return text === null ? undefined : parse(tenant, id, text)
  }

  return {
    get,
    list: async (tenant, { limit, after = '' }) => {
      const all = Object.entries(await redis.hgetall(items(tenant)))
      return all
        .filter(([id]) => id > after)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .slice(0, limit)
        .map(([id, text]) => parse(tenant, id, text))
    },
    put: async ({ tenant, id, body, dueMs }, { version, fence } = {}) => {
      const args = [id, `${tenant}/${id}`, version ?? '', fence ?? '', dueMs ?? '', body]
      return (await putScript<number>(redis, [items(tenant), dueKey, fenceKey], args)) || undefined
    },
    delete: async (tenant, id) => {
      const done = await redis.multi().hdel(items(tenant), id).zrem(dueKey, `${tenant}/${id}`).exec()
      return done?.[0]?.[1] === 1
    },
    own: (holdMs) => ownScript<number>(redis, [ownerKey, fenceKey], [token, holdMs]),
    due: async (limit) => {
      const members = await dueScript<string[]>(redis, [dueKey], [limit])
      const found = await Promise.all(
        members.map((member) => {
          const slash = member.indexOf('/')
          return get(member.slice(0, slash), member.slice(slash + 1))
        }),
      )
      return found.filter((item) => item !== undefined)
    },
    now: async () => {
      const [seconds, micros] = await redis.time()
      return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000)
    },
  }
}

function parse(tenant: string, id: string, text: string): Item {
  const blank = text.indexOf(' ')
  return { tenant, id, version: Number(text.slice(0, blank)), body: text.slice(blank + 1) }
}
