import { pause } from '@santaclaude/kit/deadline'
import { Appender } from './appending.ts'
import { Bells } from './bells.ts'
import { type Connections, openConnections } from './connections.ts'
import { encodeCursor } from './cursor.ts'
import { deadLettersIn } from './dead-letters.ts'
import { logError, saysRedis } from './faults.ts'
import { grow } from './growing.ts'
import { lagOf } from './lagging.ts'
import { insightIn } from './looking.ts'
import { Watermarks } from './losing.ts'
import { bellOf, partitionKeys } from './names.ts'
import type { EventLog, GroupAddress, Seek, Start, TopicAddress, TopicChange } from './port.ts'
import { Promoter } from './promoting.ts'
import { Readers } from './readers.ts'
import { readPage, readPartition, startPlaces } from './reading.ts'
import { runScript } from './scripts.ts'
import { seek, wholePlaces } from './seeking.ts'
import { holds, settle } from './settling.ts'
import { Sweeper } from './sweeping.ts'
import { Tails } from './tailing.ts'
import { Topics } from './topics.ts'

export interface LogOptions {
  /** How often retention is applied by the owner of upkeep, in milliseconds. */
  trimEveryMs?: number
}

/**
 * The event log on Redis Streams. Opening connects nothing: each connection is made when it is first needed, so a
 * service that only appends holds one.
 */
export function openLog(options: ({ redisUrl: string } | { connections: Connections }) & LogOptions): EventLog {
  const connections = 'connections' in options ? options.connections : openConnections(options.redisUrl)
  const { commands } = connections
  const topics = new Topics(commands)
  const bells = new Bells(connections.bells)
  const promoter = new Promoter(commands, bells)
  const appender = new Appender(connections, { topics, bells, promoter, watermarks: new Watermarks(commands) })
  const readers = new Readers(commands, topics, bells)
  const tails = new Tails(commands, topics, bells)
  const sweeper = new Sweeper(commands, topics, promoter, options.trimEveryMs)
  const append: EventLog['append'] = (address, events, how = {}) => appender.append(address, events, how)
  const insight = insightIn(commands, topics)
  const dead = deadLettersIn({ redis: commands, topics, append })

  return {
    createTopic: (address, settings) => write(topics.create(address, settings)),
    changeTopic: (address, change) => write(changeTopic(address, change)),
    topic: (address) => read(topics.find(address)),
    topics: (tenant) => read(topics.list(tenant)),
    deleteTopic: (address) => write(topics.delete(address)),
    size: (address) => read(sizeOf(address)),

    append,
    appendLater: (address, events, { due, ...how }) => appender.appendLater(address, events, due, how),
    delayed: (address) => read(delayedIn(address)),
    promote: (how) => write(promoter.promote(how)),
    read: (address, { from, limit }) => read(pageOf(address, from, limit)),
    readPartition: (address, place) =>
      read(topics.need(address).then((topic) => readPartition(commands, topic, place))),
    tail: (address, { from, signal }) => tails.tail(address, from, signal),
    changed: (address, waiting) => rung(address, waiting),

    putGroup: (address, settings = {}) => write(putGroup(address, settings)),
    group: (address) => read(topics.findGroup(address)),
    groups: (address) => read(topics.groupsOf(address)),
    deleteGroup: (address) => write(topics.deleteGroup(address)),
    pull: (address, how) => read(topics.needGroup(address).then(() => readers.pull(address, how))),
    settle: (address, settlements) =>
      write(topics.needGroup(address).then((group) => settle(commands, group, settlements))).finally(() =>
        readers.settled(address),
      ),
    checkpoint: (address, place) => write(checkpoint(address, place)),
    holds: (address, receipts) => read(topics.needGroup(address).then(() => holds(commands, address, receipts))),
    seek: (address, to) => write(move(address, to)),
    lag: (address) => read(lag(address)),
    deadLetters: (address, wish) => read(dead.deadLetters(address, wish)),
    deleteDeadLetters: (address, places) => write(dead.deleteDeadLetters(address, places)),
    redrive: (address, order) => write(dead.redrive(address, order)),
    redriven: (address, tally) => read(dead.redriven(address, tally)),
    groupState: (address) => write(insight.groupState(address)),
    pending: (address, page) => read(insight.pending(address, page)),
    find: (address, what) => read(insight.find(address, what)),
    footprints: (address, at) => read(insight.footprints(address, at)),
    dropTally: (address, tally) => write(dead.dropTally(address, tally)),

    sweep: () => write(sweeper.sweep()),
    ping: () => write(commands.ping().then(() => {})),
    close: async () => {
      promoter.close()
      bells.close()
      readers.close()
      for (const redis of Object.values(connections)) redis.disconnect()
    },
  }

  async function changeTopic(address: TopicAddress, { partitions, ...change }: TopicChange) {
    const topic = await topics.change(address, change)
    return topic && partitions !== undefined ? grow(commands, topics, topic, partitions) : topic
  }

  async function sizeOf(address: TopicAddress) {
    const { partitions } = await topics.need(address)
    const keys = Array.from({ length: partitions }, (_, partition) => partitionKeys(address, partition).stream)
    const sizes = await Promise.all(keys.map((key) => commands.xlen(key)))
    return sizes.reduce((sum, size) => sum + size, 0)
  }

  async function delayedIn(address: TopicAddress) {
    const { partitions } = await topics.need(address)
    const keys = Array.from({ length: partitions }, (_, partition) => partitionKeys(address, partition).delayed)
    const counts = await Promise.all(keys.map((key) => commands.zcard(key)))
    return counts.reduce((sum, count) => sum + count, 0)
  }

  async function pageOf(address: TopicAddress, from: Start, limit: number) {
    const topic = await topics.need(address)
    const { places, ...page } = await readPage(commands, topic, await startPlaces(commands, topic, from), limit)
    return { ...page, cursor: encodeCursor(places) }
  }

  async function putGroup(address: GroupAddress, { start = { at: 'earliest' }, ...settings }: GroupChange) {
    const topic = (await topics.reread(address)) ?? (await topics.need(address))
    const isThere = (await topics.findGroup(address)) !== undefined
    const wanted = isThere ? undefined : await wholePlaces(commands, topic, start)
    const group = await topics.putGroup(address, settings)
    if (group.isNew) {
      const places = wanted ?? (await wholePlaces(commands, topic, start))
      await Promise.all(places.map(({ streamId }, partition) => topics.openGroup(address, partition, streamId)))
    } else await tellChange(address)
    return group
  }

  async function move(address: GroupAddress, to: Seek) {
    const [topic, group] = await Promise.all([topics.need(address), topics.needGroup(address)])
    await seek(commands, { topic, group }, to)
    await tellChange(address)
  }

  /** Other processes remember groups for seconds; these changes should be felt at once. */
  async function tellChange(address: GroupAddress) {
    bells.ringHere(address, { partition: 0, group: address.group, isChange: true })
    await commands.publish(bellOf(address), `0 ?${address.group}`)
  }

  async function checkpoint({ group, ...address }: GroupAddress, place: Parameters<EventLog['checkpoint']>[1]) {
    const { stream, meta } = partitionKeys(address, place.partition)
    const move = () => runScript(commands, 'checkpoint', [stream, meta], [group, place.streamId, place.count])
    try {
      await move()
    } catch (error) {
      if (!saysRedis(error, 'NOGROUP') && !saysRedis(error, 'ERR no such key')) throw error
      topics.doubt({ ...address, group })
      await topics.needGroup({ ...address, group })
      await topics.openGroup({ ...address, group }, place.partition)
      await move()
    }
  }

  async function lag(address: GroupAddress) {
    await topics.needGroup(address)
    return lagOf(commands, await topics.need(address), address)
  }

  function rung(address: TopicAddress, { waitMs, signal }: { waitMs: number; signal?: AbortSignal }): Promise<void> {
    const heard = new AbortController()
    const unlisten = bells.listen(address, () => heard.abort())
    return pause(waitMs, signal ? AbortSignal.any([signal, heard.signal]) : heard.signal).finally(unlisten)
  }
}

type GroupChange = NonNullable<Parameters<EventLog['putGroup']>[1]>

const read = <Result>(work: Promise<Result>): Promise<Result> =>
  work.catch((error) => {
    throw logError(error, { isWrite: false })
  })

const write = <Result>(work: Promise<Result>): Promise<Result> =>
  work.catch((error) => {
    throw logError(error, { isWrite: true })
  })
