import { readBody } from '@santaclaude/service/body'
import { Fault } from '@santaclaude/service/faults'
import { room } from '@santaclaude/service/room'
import { forward } from './forward.ts'
import type { Peer, PeerName } from './peer.ts'

export interface PeersPorts {
  peers: readonly Peer[]
  /** Told of every call that was handed on, for the metrics. */
  onForward?: (peer: PeerName, status: number) => void
}

const limits = { answerMs: 60_000, bodyMs: 15_000, bytesMax: 16_777_216 }
const bodyBytesMax = 4_194_304
const methods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/**
 * Hands requests on to the other services, so that the API explorer can try them from this origin. Chosen over CORS on
 * every service: a browser then needs to reach one address only, and no service has to trust an origin. Any valid key
 * gets this far; what it may do is judged by the service it is handed on to.
 */
export const peers = ({ peers, onForward = () => {} }: PeersPorts) =>
  room('/v1/peers').all(
    '/:peer/*',
    async ({ request, params, who, caller }) => {
      const peer = peers.find(({ name }) => name === params.peer)
      if (!peer) throw new Fault('not_found', { detail: 'No service has this name.' })
      if (!methods.has(request.method))
        throw new Fault('method_not_allowed', { headers: { allow: [...methods].join(', ') } })
      const { pathname, search } = new URL(request.url)
      const place = pathname.slice(`/v1/peers/${peer.name}`.length)
      // Figures of a service speak of all its tenants.
      if (place === '/metrics' && !caller.scopes.has('internal'))
        throw new Fault('forbidden', { detail: 'Metrics through this server need a key with the scope internal.' })
      const body = await readBody(request, { bytesMax: bodyBytesMax })
      const own = { 'x-request-id': who.requestId, traceparent: who.traceparent }
      const { method, headers, signal } = request
      const response = await forward(peer, { method, headers, path: place + search, body, own, signal }, limits)
      onForward(peer.name, response.status)
      return response
    },
    { scope: 'any', parse: 'none', detail: { hide: true } },
  )
