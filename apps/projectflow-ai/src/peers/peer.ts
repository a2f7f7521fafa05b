/** The other services, in the order people meet them. */
export const peerNames = ['ai-service', 'browser-pool-service', 'audit-sink-service', 'message-queue-service'] as const

export type PeerName = (typeof peerNames)[number]

/** Where one of the other services answers. */
export interface Peer {
  name: PeerName
  /** Origin without a trailing slash, such as `http://ai-service:8001`. It comes from our settings, never from a caller. */
  url: string
}
