import { Fault } from '@santaclaude/service/faults'
import { findOwn } from './find-own.ts'
import type { KeyPorts } from './ports.ts'
import { type KeyState, type PublicKey, publicKey } from './public-key.ts'

/** One key of the tenant. Faults: not_found. */
export const getKey = async (ports: KeyPorts, tenant: string, id: string): Promise<PublicKey> =>
  publicKey(await findOwn(ports, tenant, id), ports.clock.now())

export interface KeyQuery {
  state?: KeyState | undefined
  limit: number
  /** The id of the last key of the page before. */
  after?: string | undefined
}

export interface KeyPage {
  keys: PublicKey[]
  /** Give it as `after` for the next page; absent on the last one. */
  next?: string
}

/** The tenant's keys, newest first. Faults: bad_cursor. */
export async function listKeys(ports: KeyPorts, tenant: string, { state, limit, after }: KeyQuery): Promise<KeyPage> {
  const nowMs = ports.clock.now()
  const all = await ports.keys.list(tenant)
  const start = after === undefined ? 0 : all.findIndex(({ id }) => id === after) + 1
  if (after !== undefined && start === 0)
    throw new Fault('bad_cursor', { detail: 'No key of this tenant has this id.' })
  const fitting = all
    .slice(start)
    .map((key) => publicKey(key, nowMs))
    .filter((key) => state === undefined || key.state === state)
  const keys = fitting.slice(0, limit)
  const last = keys.at(-1)
  return { keys, ...(last && fitting.length > limit ? { next: last.id } : {}) }
}
