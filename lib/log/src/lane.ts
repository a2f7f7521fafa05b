import { primaryNow, serverOf } from '@santaclaude/redis/cluster'
import { whenReady } from '@santaclaude/redis/open'
import type { Redis } from 'ioredis'
import { Batcher, type BatchLimits } from './batcher.ts'
import type { Bells } from './bells.ts'
import { logError, saysRedis } from './faults.ts'
import { placeOfTurn, widthOf } from './generations.ts'
import { bellOf, life, partitionKeys } from './names.ts'
import { type Appended, type Delayed, type Due, type Durability, LogError, type NewEvent, type Topic } from './port.ts'
import { type Reach, Reaches, weakest } from './reach.ts'
import { makeRoom } from './retaining.ts'
import { runScript } from './scripts.ts'
import { shareOf } from './settings.ts'

/** How long appends wait for a Redis that is away before they are refused. */
const AWAY_MS = 3_000
/** How long replicas and disk may take to confirm; below the deadline of a command. */
const CONFIRM_MS = 3_000

/** Events of one partition that belong to one job and travel together. */
export interface Item {
  topic: Topic
  /** Undefined = any: those of one topic share a partition per flush, so batches stay deep. */
  partition: number | undefined
  events: { event: NewEvent; packed: string[]; index: number; size: number }[]
  /** All or none; with an id, only when that is the partition's last one. */
  condition?: { expectedLastId?: string }
  /** Not readable before. */
  due?: Due
  job: Job
}

/** What one caller wants appended; answered when its last event is. */
export interface Job {
  wish: Partial<Durability>
  outcomes: Outcome[]
  left: number
  /** How many of its events Redis may have taken. */
  out: number
  resolve(outcomes: Outcome[]): void
  reject(error: unknown): void
}

type Outcome = Appended | Delayed
type Answer = (durability: Durability) => void
type Placed = Item & { partition: number }
type Batch = [Placed, ...Placed[]]

/** A server that appends go to: the only one, or one primary of a Cluster. */
interface Server {
  redis: Redis
  reaches: Reaches
}

/**
 * One connection that appends, in batches of one script call per partition; on a Cluster one to each primary, none of
 * which waits for another. A lane that confirms waits once per flush until replicas or disk have everything in it:
 * group commit. Waiting holds its connection, so plain appends have another.
 */
export class Lane {
  private readonly servers = new WeakMap<Redis, Server>()
  private readonly batchers = new Map<Redis, Batcher<Placed>>()
  private turn = 0
  private arriving: Promise<void> | undefined

  constructor(
    private readonly redis: Redis,
    private readonly bells: Bells,
    private readonly limits: BatchLimits,
    /** Told of events that were kept until they are due. */
    private readonly onDelayed: (topic: Topic, partition: number, dueMs: string) => void,
    /** Given what came too late for its partition: the topic has grown. */
    private readonly onSealed: (item: Item, lane: Lane) => void,
  ) {}

  hasRoom = (size: number, tenant: string) =>
    [...this.batchers.values()].every((batcher) => batcher.hasRoom(size, tenant))

  add(item: Item, size: number) {
    const partition = item.partition ?? placeOfTurn(item.topic, this.turn)
    const server = primaryNow(this.redis, partitionKeys(item.topic, partition).stream) ?? this.redis
    this.batcherFor(server).add({ ...item, partition }, { size, lane: item.topic.tenant })
  }

  /** What the weakest of the partitions' servers gives; `store_unavailable` when one cannot be asked. */
  async reach(topic: Topic, partitions: Iterable<number>): Promise<Reach> {
    try {
      await this.arrive()
      const servers = await Promise.all([...partitions].map((partition) => this.serverOf(topic, partition)))
      return weakest(await Promise.all([...new Set(servers)].map(({ reaches }) => reaches.now())))
    } catch (cause) {
      throw away(cause)
    }
  }

  /** Waits until what lies in a partition is as safe as wished. How safe it is. */
  async vouch(topic: Topic, partition: number, wish: Partial<Durability>): Promise<Durability> {
    const server = await this.serverOf(topic, partition)
    const { life } = server.reaches
    const reach = await server.reaches.now()
    return this.confirm([{ topic, partition, wish }], { server, reach, life })
  }

  private batcherFor(server: Redis): Batcher<Placed> {
    const known = this.batchers.get(server)
    if (known) return known
    const made: Batcher<Placed> = new Batcher((items) => this.flush(made, items), this.limits)
    this.batchers.set(server, made)
    // A primary that left the Cluster comes back as another connection.
    server.once('end', () => this.batchers.delete(server))
    return made
  }

  /** Resolves when the connection is there; all who wait share one deadline. */
  private async arrive(): Promise<void> {
    if (this.redis.status === 'ready') return
    this.arriving ??= whenReady(this.redis, AWAY_MS).finally(() => {
      this.arriving = undefined
    })
    await this.arriving
  }

  private async serverOf(topic: Topic, partition: number): Promise<Server> {
    const redis = await serverOf(this.redis, partitionKeys(topic, partition).stream, AWAY_MS)
    const server = this.servers.get(redis) ?? { redis, reaches: new Reaches(redis) }
    this.servers.set(redis, server)
    return server
  }

  private async flush(batcher: Batcher<Placed>, items: Placed[]): Promise<void> {
    this.turn++
    try {
      await this.arrive()
    } catch (cause) {
      for (const { job } of [...items, ...batcher.drain()]) job.reject(honest(job, away(cause)))
      return
    }
    const place = ([{ topic, partition }]: [Placed, ...Placed[]]) =>
      primaryNow(this.redis, partitionKeys(topic, partition).stream)
    const perServer = Map.groupBy(byPartition(items), place)
    await Promise.all([...perServer.values()].map((batches) => this.flushTo(batches)))
  }

  /** Sends batches that lie on one server. */
  private async flushTo(batches: Batch[]): Promise<void> {
    const items = batches.flat()
    const [[{ topic, partition }]] = batches as [Batch]
    let server: Server
    let reach: Reach
    try {
      server = await this.serverOf(topic, partition)
      reach = await server.reaches.standing()
    } catch (cause) {
      for (const { job } of items) job.reject(honest(job, away(cause)))
      return
    }
    const { life } = server.reaches
    const answers = (await Promise.all(batches.map((batch) => this.send(batch)))).flat()
    try {
      const wishes = items.map(({ topic, partition, job: { wish } }) => ({ topic, partition, wish }))
      const durability = await this.confirm(wishes, { server, reach, life })
      for (const answer of answers) answer(durability)
    } catch (cause) {
      const error = new LogError('outcome_unknown', 'It is not known how safe the events are.', { cause })
      for (const { job } of items) job.reject(error)
    }
  }

  /** Sends a batch; its answers are given once it is known how safe they are. */
  private async send(items: Batch): Promise<Answer[]> {
    const [{ topic, partition, condition, due }] = items
    const events = items.flatMap((item) => item.events)
    for (const item of items) item.job.out += item.events.length
    try {
      const [epoch, places] = await this.write(items[0], events)
      const refused = places[0]?.startsWith('~') ? events : events.filter((_, n) => places[n] === '#')
      // Full: what is settled makes room, and what was refused gets a second chance.
      if (refused.length > 0 && (await makeRoom(this.redis, topic, partition, refused.length)) > 0) {
        const [, again] = await this.write(items[0], refused)
        if (condition) places.splice(0, places.length, ...again)
        else for (const [n, place] of places.entries()) if (place === '#') places[n] = again.shift() ?? '#'
      }
      if (places[0]?.startsWith('~')) throw refusal(places[0].slice(1))
      const lastId = places.findLast((place) => /^\d/.test(place))
      if (lastId && due) this.onDelayed(topic, partition, lastId)
      else if (lastId) this.bells.ringHere(topic, { partition, lastId })
      let at = 0
      return items.map((item) => {
        const own = places.slice(at, at + item.events.length)
        at += item.events.length
        return (durability) => answer(item, own, { partition, epoch, durability })
      })
    } catch (error) {
      if (saysRedis(error, 'SEALED')) {
        for (const item of items) {
          item.job.out -= item.events.length
          this.onSealed(item, this)
        }
        return []
      }
      const fault = saysRedis(error, 'GONE') ? error : logError(error, { isWrite: true })
      const wasRefused = !(fault instanceof LogError) || fault.code !== 'outcome_unknown'
      if (wasRefused) for (const item of items) item.job.out -= item.events.length
      for (const { job } of items) job.reject(honest(job, fault))
      return []
    }
  }

  /** The partition's epoch, and the script's answer per event. */
  private async write(
    { topic, partition, condition, due }: Placed,
    events: Item['events'],
  ): Promise<[string, string[]]> {
    const isKeyed = events.some(({ event }) => event.idempotency)
    const { maxEvents, maxBytes, discard } = topic.retention
    const limits = discard === 'reject' ? [maxEvents, maxBytes] : [null, null]
    const [entries = -1, bytes = -1] = limits.map((limit) => shareOf(limit, widthOf(topic)))
    const args: (string | number)[] = [life(), isKeyed ? topic.idempotencyWindowMs : 0]
    if (due) args.push(...('atMs' in due ? ['at', due.atMs] : ['in', due.delayMs]), entries)
    else args.push(bellOf(topic), partition, condition ? 1 : 0, condition?.expectedLastId ?? '', entries, bytes)
    for (const { event, packed } of events)
      args.push(event.idempotency?.key ?? '', event.idempotency?.bodyHash ?? '', ...packed)
    const keys = partitionKeys(topic, partition)
    const [epoch = '', ...places] = await runScript<string[]>(
      this.redis,
      due ? 'delay' : 'append',
      [keys.stream, keys.meta, ...keys.seen, ...(due ? [keys.delayed, keys.delayedEvents] : [])],
      args,
    )
    return [epoch, places]
  }

  /** Waits until everything sent so far has reached what the most demanding job wants. What was reached. */
  private async confirm(
    wishes: { topic: Topic; partition: number; wish: Partial<Durability> }[],
    { server, reach, life }: { server: Server; reach: Reach; life: number },
  ): Promise<Durability> {
    const { redis, reaches } = server
    const replicas = Math.max(0, ...wishes.map(({ wish }) => wish.replicas ?? 0))
    const wantsDisk = reach.level !== 'fsync' && wishes.some(({ wish }) => wish.level === 'fsync')
    if (replicas === 0 && !wantsDisk) return { level: reach.level, replicas }
    const keys = wishes.map(({ topic, partition }) => partitionKeys(topic, partition))
    // Redis waits for what this connection wrote. A repeated event writes nothing, so something must be.
    await redis.hset(keys[0]?.meta ?? '', 'confirmed', '1')
    const [onDisk, copies] = await Promise.all([
      wantsDisk ? redis.call('WAITAOF', 1, 0, CONFIRM_MS).then((reply) => Number((reply as number[])[0])) : 0,
      replicas > 0 ? redis.wait(replicas, CONFIRM_MS) : 0,
    ])
    if (life !== reaches.life || keys.some(({ stream }) => primaryNow(this.redis, stream) !== redis))
      throw new Error('the server was lost before everything was confirmed')
    if (wantsDisk && onDisk < 1) throw new Error('the append-only file did not reach the disk in time')
    if (copies < replicas) throw new Error(`${copies} of ${replicas} replicas confirmed in time`)
    return { level: wantsDisk ? 'fsync' : reach.level, replicas: copies }
  }
}

const away = (cause: unknown) => new LogError('store_unavailable', 'Redis could not be reached.', { cause })

/** Batches per partition; what must be kept as a whole goes alone, and so do those due at another time. */
function byPartition(items: Placed[]): Batch[] {
  const batches = new Map<string | Item, Batch>()
  for (const item of items) {
    const { topic, partition, condition, due } = item
    const id = condition ? item : `${topic.tenant}/${topic.topic}/${partition}${due ? JSON.stringify(due) : ''}`
    const batch = batches.get(id)
    if (batch) batch.push(item)
    else batches.set(id, [item])
  }
  return [...batches.values()]
}

interface Where {
  partition: number
  epoch: string
  durability: Durability
}

function answer({ job, events, due }: Item, places: string[], where: Where) {
  for (const [n, { index }] of events.entries()) job.outcomes[index] = readAnswer(places[n] ?? '!', where, due)
  job.left -= events.length
  if (job.left === 0) job.resolve(job.outcomes)
}

function readAnswer(text: string, where: Where, due?: Due): Outcome {
  if (text === '!') return { ok: false, code: 'idempotency_conflict' }
  if (text === '#') return { ok: false, code: 'topic_full' }
  const isDuplicate = text.startsWith('=')
  const place = isDuplicate ? text.slice(1) : text
  if (!due) return { ok: true, ...where, streamId: place, isDuplicate }
  const { partition, durability } = where
  return { ok: true, partition, dueAtMs: Number(place), isDuplicate, durability }
}

/** A refusal says that nothing was done; of a job whose other events Redis may have, that would be wrong. */
function honest({ out }: Job, error: unknown): unknown {
  if (out === 0 || !(error instanceof LogError) || error.code === 'outcome_unknown') return error
  return new LogError('outcome_unknown', 'Some of the events may have been kept.', { cause: error })
}

/** Why an append of all or none was refused. */
function refusal(verdict: string): LogError {
  if (verdict === '!')
    return new LogError('idempotency_conflict', 'One of the events was sent before with another body.')
  if (verdict === '#') return new LogError('topic_full', 'The partition has no room for all of these events.')
  return new LogError('expected_id_mismatch', `The last id of the partition is ${verdict.slice(1)}.`)
}
