import { createHash } from 'node:crypto'
import type { SubscriptionAddress } from '../store/port.ts'

/**
 * Which of the replicas delivers for a subscription: the one with the highest score. Every replica comes to the same
 * answer by itself, and when one comes or goes only its own subscriptions move.
 * Source: Thaler, Ravishankar, "A Name-Based Mapping Scheme for Rendezvous", 1996.
 */
export function preferred(replicas: readonly string[], { id }: SubscriptionAddress): string | undefined {
  let best: { replica: string; score: string } | undefined
  for (const replica of replicas) {
    const score = createHash('sha1').update(`${replica} ${id}`).digest('hex')
    if (!best || score > best.score) best = { replica, score }
  }
  return best?.replica
}
