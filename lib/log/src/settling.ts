import type { Redis } from 'ioredis'
import { compareIds, decodeReceipt, deliveryOf, type Receipt } from './cursor.ts'
import { saysRedis } from './faults.ts'
import { bellOf, partitionKeys } from './names.ts'
import type { Delivery, Group, GroupAddress, Settled, Settlement } from './port.ts'
import { runScript } from './scripts.ts'
import { backoffAfter } from './settings.ts'

/** Receipts per script call: a script holds up everybody else, so it stays short. */
const BATCH = 256

/** A settlement as the script takes it. */
interface Step {
  index: number
  op: 'ack' | 'park' | 'release' | 'extend' | 'dead'
  argument: string | number
  receipt: Receipt
}

export async function settle(redis: Redis, group: Group, settlements: Settlement[]): Promise<Settled[]> {
  const answers: Settled[] = settlements.map(({ receipt }) => ({ receipt, ok: false, code: 'bad_receipt' }))
  const steps = settlements.flatMap((settlement, index) => {
    const receipt = decodeReceipt(settlement.receipt)
    return receipt ? [{ index, receipt, ...meaning(group, settlement, receipt.deliveries) }] : []
  })
  await inBatches(redis, group, steps, ({ index, op }, isDone) => {
    const { receipt } = settlements[index] as Settlement
    answers[index] = isDone ? { receipt, ok: true, isDead: op === 'dead' } : { receipt, ok: false, code: 'lease_lost' }
  })
  // Only a group with a limit has somebody who waits for others to settle.
  if (group.inFlightMax !== null && steps.some(({ op }) => op !== 'extend'))
    await redis.publish(bellOf(group), `0 !${group.group}`)
  return answers
}

/** Gives deliveries back that nobody has seen; they do not count as deliveries. */
export const release = (redis: Redis, address: GroupAddress, deliveries: Delivery[]) =>
  unseen(redis, address, { deliveries, op: 'release' })

/** Settles deliveries that are not for this group. */
export const drop = (redis: Redis, address: GroupAddress, deliveries: Delivery[]) =>
  unseen(redis, address, { deliveries, op: 'ack' })

async function unseen(redis: Redis, address: GroupAddress, what: { deliveries: Delivery[]; op: 'release' | 'ack' }) {
  const steps = what.deliveries.flatMap((delivery, index): Step[] => {
    const receipt = decodeReceipt(delivery.receipt)
    return receipt ? [{ index, op: what.op, argument: 0, receipt }] : []
  })
  await inBatches(redis, address, steps, () => {})
}

function meaning(group: Group, settlement: Settlement, count: number): Pick<Step, 'op' | 'argument'> {
  const deliveries = deliveryOf(count)
  switch (settlement.op) {
    case 'ack':
      return { op: 'ack', argument: '' }
    case 'extend':
      return { op: 'extend', argument: leaseArgument(group, settlement.leaseMs) }
    case 'release':
      return { op: 'release', argument: 0 }
    case 'term':
      return { op: 'dead', argument: settlement.reason ?? 'terminated' }
    case 'nack':
      if (deliveries >= group.deliveriesMax) return { op: 'dead', argument: settlement.reason ?? 'too many deliveries' }
      return {
        op: 'park',
        argument: `${settlement.delayMs ?? backoffAfter(group, deliveries)} ${settlement.reason ?? ''}`,
      }
  }
}

/** A shorter lease is one of which a part has gone; a longer one needs to be held. */
const leaseArgument = ({ leaseMs }: Group, wantedMs = leaseMs) =>
  wantedMs > leaseMs ? `+${wantedMs}` : String(leaseMs - wantedMs)

/** Starts the leases of fresh deliveries anew, for another time than the group's. */
export async function relet(redis: Redis, group: Group, deliveries: Delivery[], leaseMs: number): Promise<void> {
  await settle(
    redis,
    group,
    deliveries.map(({ receipt }) => ({ op: 'extend', receipt, leaseMs })),
  )
}

/** Whether each receipt still holds its lease. */
export async function holds(redis: Redis, { group, ...at }: GroupAddress, receipts: string[]): Promise<boolean[]> {
  const address = { tenant: at.tenant, topic: at.topic }
  const answers = receipts.map(() => false)
  const known = receipts.flatMap((text, index) => {
    const receipt = decodeReceipt(text)
    return receipt ? [{ index, ...receipt }] : []
  })
  const looks = [...Map.groupBy(known, ({ partition }) => partition)].map(async ([partition, own]) => {
    const keys = partitionKeys(address, partition)
    const args = own.flatMap(({ nonce, streamId, deliveries }) => [nonce, streamId, deliveries])
    const held = await runScript<number[]>(redis, 'held', [keys.stream, keys.meta], [group, ...args]).catch((error) => {
      if (saysRedis(error, 'NOGROUP')) return []
      throw error
    })
    for (const [at, { index }] of own.entries()) answers[index] = held[at] === 1
  })
  await Promise.all(looks)
  return answers
}

async function inBatches(
  redis: Redis,
  { group, ...address }: GroupAddress,
  steps: Step[],
  onAnswer: (step: Step, isDone: boolean) => void,
): Promise<void> {
  const byPartition = Map.groupBy(steps, ({ receipt }) => receipt.partition)
  const calls = [...byPartition].flatMap(([partition, own]) =>
    Array.from({ length: Math.ceil(own.length / BATCH) }, async (_, n) => {
      const batch = own.slice(n * BATCH, (n + 1) * BATCH)
      const done = await send(redis, { tenant: address.tenant, topic: address.topic, group }, partition, batch)
      for (const [at, step] of batch.entries()) onAnswer(step, done[at] === 1)
    }),
  )
  await Promise.all(calls)
}

async function send(redis: Redis, { group, ...address }: GroupAddress, partition: number, batch: Step[]) {
  const keys = partitionKeys(address, partition)
  const ids = batch.map(({ receipt }) => receipt.streamId).sort(compareIds)
  const args: (string | number)[] = [group, bellOf(address), partition, ids[0] ?? '-', ids.at(-1) ?? '+']
  for (const { op, receipt, argument } of batch)
    args.push(op, receipt.nonce, receipt.streamId, receipt.deliveries, argument)
  try {
    return await runScript<number[]>(
      redis,
      'settle',
      [keys.stream, keys.meta, keys.parked(group), keys.dead(group), ...keys.books(group).slice(1)],
      args,
    )
  } catch (error) {
    // A group that was made anew has no memory of these receipts.
    if (saysRedis(error, 'NOGROUP')) return []
    throw error
  }
}
