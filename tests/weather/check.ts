import {
  deadLettersAreExact,
  duplicatesAreBounded,
  everythingIsSettledOnce,
  keysKeepOrder,
  staleReceiptsDoNothing,
} from './delivery-rules.ts'
import type { History } from './history.ts'
import {
  type Bounds,
  bounds,
  delayedEventsComeWhenDue,
  expiredLeasesComeBack,
  nothingIsStranded,
  readyWorkIsDelivered,
  serviceComesBack,
} from './liveness-rules.ts'
import {
  idsGrow,
  nothingAcknowledgedIsLost,
  nothingComesFromNowhere,
  repeatsAddNothing,
  retentionSparesTheUnsettled,
} from './publishing-rules.ts'
import { readersMissNothing, refusalsAreNamed, tenantsAreApart } from './reading-rules.ts'

/** What the bus promises, each as a rule over a whole history that answers every way in which it was broken. */
export const rules = {
  S1: nothingAcknowledgedIsLost,
  S2: nothingComesFromNowhere,
  S3: repeatsAddNothing,
  S4: idsGrow,
  S5: keysKeepOrder,
  S6: everythingIsSettledOnce,
  S7: duplicatesAreBounded,
  S8: staleReceiptsDoNothing,
  S9: deadLettersAreExact,
  S10: readersMissNothing,
  S11: retentionSparesTheUnsettled,
  S12: tenantsAreApart,
  E1: refusalsAreNamed,
  L1: readyWorkIsDelivered,
  L2: expiredLeasesComeBack,
  L3: delayedEventsComeWhenDue,
  L4: serviceComesBack,
  L5: nothingIsStranded,
} satisfies Record<string, (history: History, limits: Bounds) => string[]>

export type RuleName = keyof typeof rules

/** Every broken promise of a history, at most 20 a rule. */
export function check(history: History, limits = bounds()): { rule: RuleName; text: string }[] {
  return (Object.keys(rules) as RuleName[]).flatMap((rule) =>
    rules[rule](history, limits)
      .slice(0, 20)
      .map((text) => ({ rule, text })),
  )
}
