import type { Clock } from '@santaclaude/kit/clock'
import type { Peer } from './peer.ts'
import { readBounded } from './read-bounded.ts'

/** `failing`: it answers, and names what it lacks. `away`: no answer we can use came in time. */
export type HealthState = 'ready' | 'failing' | 'away'

/** What one look at one service found. */
export interface Probe {
  atMs: number
  state: HealthState
  /** How long the look took, in milliseconds. */
  tookMs: number
  /** The service's parts as its `/ready` names them, with whether each works. Empty when it is away. */
  parts: Record<string, boolean>
}

/** `/ready` of a service: each part it stands on and whether it works. */
export type Readiness = Omit<Probe, 'atMs' | 'tookMs'>

const bytesMax = 16_384
const partsMax = 16

/** Asks a peer's `/ready`. Never throws: whatever goes wrong is what was found out. */
export async function probe(
  { clock }: { clock: Clock },
  { peer, deadlineMs }: { peer: Peer; deadlineMs: number },
): Promise<Probe> {
  const atMs = clock.now()
  const started = performance.now()
  const found = await ask(peer, deadlineMs).catch((): Readiness => ({ state: 'away', parts: {} }))
  return { atMs, tookMs: Math.round((performance.now() - started) * 10) / 10, ...found }
}

async function ask(peer: Peer, deadlineMs: number): Promise<Readiness> {
  const response = await fetch(`${peer.url}/ready`, {
    redirect: 'manual',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(deadlineMs),
  })
  const text = await readBounded(response, bytesMax)
  if (response.status === 200) return { state: 'ready', parts: partsOf(text) }
  if (response.status === 503) return { state: 'failing', parts: partsOf(text) }
  return { state: 'away', parts: {} }
}

/** Reads `{ checks: { name: 'ok' | … }, failing: [name] }` and believes nothing else of it. */
function partsOf(text: string): Record<string, boolean> {
  const body: unknown = JSON.parse(text)
  if (!isObject(body)) return {}
  const checks = isObject(body.checks) ? Object.entries(body.checks) : []
  const failing = Array.isArray(body.failing) ? body.failing.map((name): [unknown, unknown] => [name, 'failing']) : []
  const parts: Record<string, boolean> = {}
  for (const [name, found] of [...checks, ...failing].slice(0, partsMax))
    if (typeof name === 'string' && /^[a-z][a-zA-Z0-9-]{0,31}$/.test(name)) parts[name] = found === 'ok'
  return parts
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
