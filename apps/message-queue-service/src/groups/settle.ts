import type { GroupAddress, Settlement } from '@santaclaude/log/port'
import type { QueuePorts } from '../ports.ts'
import { settledIn } from '../streams/feed.ts'
import { tell } from '../tell.ts'

/** A settlement as the request writes it. */
export interface SettlementWish {
  receipt: string
  op: Exclude<Settlement['op'], 'release'>
  delayMs?: number
  leaseMs?: number
  reason?: string
}

export interface SettleResult {
  receipt: string
  ok: boolean
  dead?: boolean
  code?: 'lease_lost' | 'bad_receipt'
}

/** Settles deliveries; one result per settlement, in order. A stale receipt changes nothing. */
export async function settle(
  { log, meters, emit, warn }: Pick<QueuePorts, 'log' | 'meters' | 'emit' | 'warn'>,
  address: GroupAddress,
  wishes: SettlementWish[],
): Promise<{ results: SettleResult[] }> {
  const settled = await log.settle(address, wishes)
  // A delivery may have gone out over a stream or a socket and be settled here: it makes room there.
  const isOver = (n: number) => wishes[n]?.op !== 'extend' || !settled[n]?.ok
  settledIn(
    log,
    settled.flatMap(({ receipt }, n) => (isOver(n) ? [receipt] : [])),
  )
  const results = settled.map((outcome, n): SettleResult => {
    const op = wishes[n]?.op ?? 'ack'
    meters.settled.inc({ op, result: outcome.ok ? 'ok' : outcome.code })
    if (!outcome.ok) return outcome
    const { receipt, isDead } = outcome
    return isDead ? { receipt, ok: true, dead: true } : { receipt, ok: true }
  })
  const count = results.filter(({ dead }) => dead).length
  const { tenant, topic, group } = address
  if (count > 0)
    await tell({ emit, warn }, { tenant }, { type: 'mq.delivery.died', subject: topic, data: { topic, group, count } })
  return { results }
}
