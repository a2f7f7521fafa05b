import { uuidv7 } from '@santaclaude/kit/ids'
import type { EventLog, GroupAddress } from '@santaclaude/log/port'
import type { DeadFilter, DeadPlace } from '@santaclaude/log/repair'
import type { Who } from '@santaclaude/service/exchange'
import { Fault } from '@santaclaude/service/faults'
import type { Item } from '../agenda/port.ts'
import { isPlatformTopic } from '../platform.ts'
import type { QueuePorts } from '../ports.ts'
import { recorded } from '../tell.ts'
import { addressOf, type Job, jobOf } from './job.ts'
import { letterText, needGroup, PAGE } from './letters.ts'

const COUNTED_MAX = 100_000
const SAMPLES = 10
/** Redrives of a tenant that are remembered; of those that are over, the oldest go first. */
const REMEMBERED = 200

/** A redrive as its tenant sees it. */
export interface RedriveView {
  redrive: string
  topic: string
  group: string
  target?: string
  state: Job['state']
  moved: number
  ratePerSecond: number
  createdAt: string
  endedAt?: string
  code?: string
}

/** What a redrive would move, as JSON text: how many, and the oldest of them. */
export async function previewRedrive(log: EventLog, address: GroupAddress, which: DeadFilter): Promise<string> {
  await needGroup(log, address)
  const samples: string[] = []
  let count = 0
  let after: DeadPlace | undefined
  do {
    const wish = { ...which, order: 'oldest', limit: PAGE, ...(after ? { after } : {}) } as const
    const { letters, next } = await log.deadLetters(address, wish)
    count += letters.length
    samples.push(...letters.slice(0, SAMPLES - samples.length).map(letterText))
    after = next
  } while (after && count < COUNTED_MAX)
  return `{"count":${count},"isCountComplete":${!after},"sample":[${samples.join(',')}]}`
}

/**
 * Begins to move dead letters that died until now; upkeep moves them at the rate asked for. Faults: topic_not_found,
 * group_not_found, invalid_filter, forbidden (a topic of the platform as target), conflict (too many are running),
 * audit_unavailable.
 */
export async function startRedrive(
  ports: QueuePorts,
  who: Who,
  { address, wish }: { address: GroupAddress; wish: Pick<Job, 'which' | 'target' | 'ratePerSecond'> },
): Promise<RedriveView> {
  const { log, redrives } = ports
  await needGroup(log, address)
  const { tenant, topic, group } = address
  if (wish.target !== undefined && isPlatformTopic(wish.target) && wish.target !== topic)
    throw new Fault('forbidden', { detail: 'Only the platform writes to this topic.' })
  if (wish.target !== undefined && !(await log.topic({ tenant, topic: wish.target })))
    throw new Fault('topic_not_found', { detail: `There is no topic '${wish.target}'.` })
  // A filter that cannot be read is refused now, not by upkeep later.
  await log.deadLetters(address, { ...wish.which, limit: 1 })
  await makeRoom(ports, tenant)
  const id = uuidv7()
  const createdMs = await redrives.now()
  const job: Job = { topic, group, ...wish, createdMs, state: 'running' }
  const act = {
    action: 'mq.dead-letter.redriven',
    target: { type: 'group', id: `${topic}/${group}` },
    data: { redrive: id, ...wish },
  }
  const work = () => redrives.put({ tenant, id, body: JSON.stringify(job), dueMs: createdMs }, { version: 0 })
  await recorded(ports, who, { act, work })
  return viewOf(log, { tenant, id, body: JSON.stringify(job), version: 1 })
}

async function makeRoom({ redrives }: QueuePorts, tenant: string) {
  const all = await redrives.list(tenant, { limit: REMEMBERED + 1 })
  if (all.length < REMEMBERED) return
  const over = all.find((item) => jobOf(item).state !== 'running')
  if (!over) throw new Fault('conflict', { detail: `${REMEMBERED} redrives are running.` })
  await redrives.delete(tenant, over.id)
}

/** The redrives of a group, the newest first. */
export async function listRedrives({ log, redrives }: QueuePorts, address: GroupAddress) {
  await needGroup(log, address)
  const all = await redrives.list(address.tenant, { limit: REMEMBERED + 1 })
  const own = all.filter((item) => isOf(item, address)).reverse()
  return { redrives: await Promise.all(own.map((item) => viewOf(log, item))) }
}

export async function getRedrive(
  ports: QueuePorts,
  { id, ...address }: GroupAddress & { id: string },
): Promise<RedriveView> {
  return viewOf(ports.log, await find(ports, { id, ...address }))
}

/** Ends a redrive before it is done. What it has moved stays moved; one that is over stays as it is. */
export async function stopRedrive(
  ports: QueuePorts,
  who: Who,
  { id, ...address }: GroupAddress & { id: string },
): Promise<RedriveView> {
  const item = await find(ports, { id, ...address })
  const job = jobOf(item)
  if (job.state !== 'running') return viewOf(ports.log, item)
  const target = { type: 'group', id: `${job.topic}/${job.group}` }
  const endedMs = await ports.redrives.now()
  const moved = await ports.log.redriven(address, id)
  const body = JSON.stringify({ ...job, state: 'stopped', moved, endedMs })
  const work = () => ports.redrives.put({ tenant: address.tenant, id, body, dueMs: null })
  await recorded(ports, who, { act: { action: 'mq.redrive.stopped', target, data: { redrive: id } }, work })
  return viewOf(ports.log, { ...item, body })
}

async function find({ redrives }: QueuePorts, { id, ...address }: GroupAddress & { id: string }): Promise<Item> {
  const item = await redrives.get(address.tenant, id)
  if (!item || !isOf(item, address)) throw new Fault('redrive_not_found')
  return item
}

function isOf(item: Item, { topic, group }: GroupAddress) {
  const job = jobOf(item)
  return job.topic === topic && job.group === group
}

async function viewOf(log: EventLog, item: Item): Promise<RedriveView> {
  const job = jobOf(item)
  const { topic, group, target, state, ratePerSecond, createdMs, endedMs, code } = job
  const moved = job.moved ?? (await log.redriven(addressOf(item, job), item.id).catch(() => 0))
  return {
    ...{ redrive: item.id, topic, group, state, moved, ratePerSecond, createdAt: new Date(createdMs).toISOString() },
    ...(target === undefined ? {} : { target }),
    ...(endedMs === undefined ? {} : { endedAt: new Date(endedMs).toISOString() }),
    ...(code === undefined ? {} : { code }),
  }
}
