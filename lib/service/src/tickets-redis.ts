import type { Redis } from 'ioredis'
import { Fault } from './faults.ts'
import type { Tickets } from './tickets.ts'

/** Tickets in Redis: `sc:ticket:<name>`, gone by themselves. */
export const ticketsInRedis = (redis: Redis): Tickets => ({
  async keep(name, text, forMs) {
    await stored(redis.set(`sc:ticket:${name}`, text, 'PX', forMs))
  },
  async take(name) {
    return (await stored(redis.getdel(`sc:ticket:${name}`))) ?? undefined
  },
})

const stored = <T>(work: Promise<T>): Promise<T> =>
  work.catch((cause) => {
    throw new Fault('store_unavailable', { cause })
  })
