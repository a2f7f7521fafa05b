import type { Peer } from './peer.ts'
import { readBounded } from './read-bounded.ts'

const bytesMax = 4_194_304
const deadlineMs = 5_000

/** An OpenAPI document, as far as we look into it. */
export type OpenapiDocument = Record<string, unknown> & { paths: Record<string, unknown> }

/**
 * A peer's OpenAPI document, its `servers` turned to `serverUrl` so that a reader of our page calls us, not the peer.
 * Rejects when the peer is away, answers something else, or answers more than 4 MiB.
 */
export async function readDocument(peer: Peer, serverUrl: string): Promise<OpenapiDocument> {
  const response = await fetch(`${peer.url}/swagger/json`, {
    redirect: 'manual',
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(deadlineMs),
  })
  const text = await readBounded(response, bytesMax)
  if (response.status !== 200) throw new Error(`${peer.name} answered ${response.status} instead of its document`)
  const document: unknown = JSON.parse(text)
  if (!isDocument(document)) throw new Error(`${peer.name} answered something that is no OpenAPI document`)
  return {
    ...document,
    servers: [{ url: serverUrl, description: `${peer.name}, through this page and with your key` }],
  }
}

const isDocument = (value: unknown): value is OpenapiDocument =>
  typeof value === 'object' &&
  value !== null &&
  'paths' in value &&
  typeof value.paths === 'object' &&
  value.paths !== null
