import type { Clock } from '@santaclaude/kit/clock'
import { Fault } from '@santaclaude/service/faults'
import { readDocument } from '../peers/document.ts'
import type { Peer, PeerName } from '../peers/peer.ts'

/** Where this service hands requests on to a peer; the `servers` of its document as shown here. */
export const throughUs = (name: PeerName) => `/v1/peers/${name}`

const freshMs = 15_000

/** The peers' documents, each asked for at most every 15 s however many pages are opened. */
export class Documents {
  private readonly known = new Map<string, { untilMs: number; text: Promise<string> }>()

  constructor(
    private readonly peers: readonly Peer[],
    private readonly clock: Clock,
  ) {}

  /** A peer's document as JSON text. Faults: not_found for an unknown name, peer_unavailable. */
  read(name: string): Promise<string> {
    const peer = this.peers.find((one) => one.name === name)
    if (!peer) throw new Fault('not_found', { detail: 'No service has this name.' })
    const nowMs = this.clock.now()
    const known = this.known.get(name)
    if (known && known.untilMs > nowMs) return known.text
    const text = readDocument(peer, throughUs(peer.name)).then(JSON.stringify, (cause) => {
      this.known.delete(name)
      throw new Fault('peer_unavailable', { detail: `${peer.name} did not hand over its document.`, cause })
    })
    this.known.set(name, { untilMs: nowMs + freshMs, text })
    return text
  }
}
