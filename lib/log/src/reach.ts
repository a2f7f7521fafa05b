import type { Redis } from 'ioredis'
import type { Durability } from './port.ts'

/** What the server behind a connection can give. */
export interface Reach {
  /** What every acknowledged write has reached by itself. */
  level: Durability['level']
  /** Replicas that are connected and in step. */
  replicas: number
  /** Whether it can be asked to wait until the append-only file is on disk (WAITAOF, Redis 7.2). */
  canWaitForDisk: boolean
}

/** How old the answer may be before it is asked for again. A change of the server's settings is noticed that late. */
const FRESH_MS = 1_000
const EVERYTHING_MS = 10_000

/** Asks a server what durability it gives: by its features and settings, never by its version. */
export class Reaches {
  private known: { reach: Reach; seenAtMs: number } | undefined
  private looking: Promise<Reach> | undefined
  private lives = 0

  constructor(private readonly redis: Redis) {
    redis.on('close', () => {
      this.known = undefined
      this.lives++
    })
  }

  /** Counts the connections that ended: the same before and after = the same server heard everything in between. */
  get life() {
    return this.lives
  }

  /** The answer at hand, renewed behind the caller's back when it is old; asked for only when there is none. */
  async standing(): Promise<Reach> {
    if (!this.known || performance.now() - this.known.seenAtMs > EVERYTHING_MS) return this.look()
    if (performance.now() - this.known.seenAtMs > FRESH_MS) this.look().catch(() => {})
    return this.known.reach
  }

  /** An answer that is not old. */
  async now(): Promise<Reach> {
    if (this.known && performance.now() - this.known.seenAtMs <= FRESH_MS) return this.known.reach
    return this.look()
  }

  private look(): Promise<Reach> {
    this.looking ??= this.ask().finally(() => {
      this.looking = undefined
    })
    return this.looking
  }

  private async ask(): Promise<Reach> {
    const life = this.life
    const [info, settings, command] = await Promise.all([
      this.redis.info(),
      // A hosted Redis may refuse CONFIG: then nothing is known of its disk, and nothing is promised.
      this.redis.config('GET', 'appendfsync', 'no-appendfsync-on-rewrite').catch(() => []) as Promise<string[]>,
      this.redis.call('COMMAND', 'INFO', 'WAITAOF').catch(() => []) as Promise<unknown[]>,
    ])
    const setting = (name: string) => settings[settings.indexOf(name) + 1]
    const syncs = setting('appendfsync') === 'always' && setting('no-appendfsync-on-rewrite') === 'no'
    const hasFile = /^aof_enabled:1/m.test(info)
    const reach: Reach = {
      level: !hasFile ? 'memory' : syncs ? 'fsync' : 'aof',
      replicas: info.match(/^slave\d+:.*state=online/gm)?.length ?? 0,
      canWaitForDisk: hasFile && Array.isArray(command[0]),
    }
    if (life === this.life) this.known = { reach, seenAtMs: performance.now() }
    return reach
  }
}

const ranks = ['memory', 'aof', 'fsync'] as const

export const isAtLeast = (level: Durability['level'], wish: Durability['level']) =>
  ranks.indexOf(level) >= ranks.indexOf(wish)

/** What all of them give. */
export const weakest = (reaches: Reach[]): Reach => ({
  level: ranks[Math.min(...reaches.map(({ level }) => ranks.indexOf(level)))] ?? 'memory',
  replicas: Math.min(...reaches.map(({ replicas }) => replicas)),
  canWaitForDisk: reaches.every(({ canWaitForDisk }) => canWaitForDisk),
})

/** Whether the server can give what is wished for. */
export const canGive = (reach: Reach, { level = 'memory', replicas = 0 }: Partial<Durability>) =>
  replicas <= reach.replicas && (isAtLeast(reach.level, level) || (level === 'fsync' && reach.canWaitForDisk))

/** Whether the wish is more than what a write reaches by itself, so that it must be waited for. */
export const mustWait = (reach: Reach, { level = 'memory', replicas = 0 }: Partial<Durability>) =>
  replicas > 0 || !isAtLeast(reach.level, level)
