import type { Sealer } from '@santaclaude/service/sealing'
import { makeSigningKeys, publicKeyOf, type Signer, type SigningKeys, signerOf } from './signing.ts'
import type { Subscription } from './store/port.ts'

/** A pair of keys while it signs: for good, or until then. */
interface KeptKeys extends SigningKeys {
  untilMs: number | null
}

/** More keys than these never sign at once, however often they are changed. */
const keysMax = 4

type Sealed = Pick<Subscription, 'sealedKeys' | 'publicKeys'>

/** Signing keys are kept sealed, each subscription's for itself. */
export interface Keyring {
  /** The first keys of a subscription. `secret` is to be shown once and is not kept in the clear. */
  first(id: string): Sealed & { secret: string }
  /** New keys; the present ones go on signing until `untilMs`. */
  rotated(subscription: Subscription, at: { nowMs: number; untilMs: number }): Sealed & { secret: string }
  /** Signs with the keys that are valid at a time. Throws when they were sealed under another pepper. */
  signer(subscription: Subscription, nowMs: number): Signer
}

export function keyring({ seal, unseal }: Sealer): Keyring {
  const kept = (id: string, keys: KeptKeys[]): Sealed & { secret: string } => ({
    sealedKeys: seal(id, JSON.stringify(keys)),
    publicKeys: keys.map((pair) => ({ key: publicKeyOf(pair), untilMs: pair.untilMs })),
    secret: keys[0]?.whsec ?? '',
  })
  const open = ({ id, sealedKeys }: Subscription, nowMs: number) =>
    (JSON.parse(unseal(id, sealedKeys)) as KeptKeys[]).filter(({ untilMs }) => untilMs === null || untilMs > nowMs)
  /** Opening keys costs more than signing with them: a signer is made once for each state of a subscription. */
  const signers = new WeakMap<Subscription, { sign: Signer; untilMs: number }>()
  return {
    first: (id) => kept(id, [{ ...makeSigningKeys(), untilMs: null }]),
    rotated(subscription, { nowMs, untilMs }) {
      const old = openedOrNone(() => open(subscription, nowMs))
      const leaving = old.map((keys) => ({ ...keys, untilMs: Math.min(keys.untilMs ?? untilMs, untilMs) }))
      const staying = leaving.filter((keys) => keys.untilMs > nowMs).slice(0, keysMax - 1)
      return kept(subscription.id, [{ ...makeSigningKeys(), untilMs: null }, ...staying])
    },
    signer(subscription, nowMs) {
      const made = signers.get(subscription)
      if (made && nowMs < made.untilMs) return made.sign
      const keys = open(subscription, nowMs)
      const sign = signerOf(keys)
      signers.set(subscription, { sign, untilMs: Math.min(...keys.map(({ untilMs }) => untilMs ?? Infinity)) })
      return sign
    },
  }
}

/** Keys nobody can read any more are replaced, which is how a lost pepper is mended. */
function openedOrNone(open: () => KeptKeys[]): KeptKeys[] {
  try {
    return open()
  } catch {
    return []
  }
}
