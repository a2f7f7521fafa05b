import { lookup } from 'node:dns/promises'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'
import type { LookupFunction } from 'node:net'
import { type AddressPolicy, isReachable, literalOf } from '../addresses.ts'
import { type Failure, type Outgoing, responseCharsMax, type Sender, type Sent } from './port.ts'

export interface HttpSenderOptions extends AddressPolicy {
  /** The addresses of a name; the system's resolver unless said. */
  resolve?: (host: string) => Promise<string[]>
  /** Certificate authorities besides the system's, PEM. */
  ca?: string
}

/** Idle connections kept for each endpoint, and for how long: shorter than the 5 s after which common servers hang up. */
const idle = { maxFreeSockets: 8, timeoutMs: 4_000 }
/** Of a longer body the rest is not read; the connection is closed instead. */
const responseBytesMax = 65_536

/**
 * The sender on Node's HTTP client, which hands the look-up of a name to us and connects to what we answer, so the
 * address that was judged is the one that is used: there is no second look-up for a changed DNS answer to slip into.
 * TLS asks for and verifies the name in the URL. Environment variables that name proxies are not heeded.
 */
export function httpSender({ allowPrivate, resolve = systemResolve, ca }: HttpSenderOptions): Sender {
  const keeping = { keepAlive: true, maxFreeSockets: idle.maxFreeSockets, timeout: idle.timeoutMs }
  const agents = { 'http:': new http.Agent(keeping), 'https:': new https.Agent(keeping) }
  const judge = (address: string) => isReachable(address, { allowPrivate })

  /** Judges all addresses of the name: one that is refused spoils the others, for a name that mixes them is a trap. */
  const judgedLookup: LookupFunction = (host, options, answer) => {
    resolve(host).then(
      (addresses) => {
        if (addresses.length === 0) return answer(failed('name_not_found'), [])
        if (!addresses.every(judge)) return answer(failed('address_refused'), [])
        const found = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
        if (options.all) answer(null, found)
        else answer(null, found[0]?.address ?? '', found[0]?.family)
      },
      () => answer(failed('name_not_found'), []),
    )
  }

  function attempt({ url, headers, body, timeoutMs, signal }: Outgoing): Promise<Sent & { isStale: boolean }> {
    const startedMs = performance.now()
    return new Promise((settle) => {
      const target = new URL(url)
      const { request } = target.protocol === 'https:' ? https : http
      let sent: Sent | undefined
      let sending: ClientRequest | undefined
      const end = (
        result: { answer: { status: number; retryAfter?: string; text: string } } | { failure: Failure },
      ) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', stop)
        const latencyMs = sent?.latencyMs ?? Math.round(performance.now() - startedMs)
        const isStale = 'failure' in result && result.failure === 'connection_lost' && sending?.reusedSocket === true
        settle({ ...result, latencyMs, isStale })
      }
      const finish = (text: string) => sent && 'answer' in sent && end({ answer: { ...sent.answer, text } })
      const giveUp = (failure: Failure) => {
        end({ failure })
        sending?.destroy()
      }
      let read = () => ''
      // An endpoint that has said its status and then drips its body has still said its status.
      const timer = setTimeout(() => {
        if (!sent) return giveUp('timed_out')
        finish(read())
        sending?.destroy()
      }, timeoutMs)
      const stop = () => giveUp('stopped')
      signal?.addEventListener('abort', stop, { once: true })
      if (signal?.aborted) return stop()
      const literal = literalOf(target)
      if (literal !== undefined && !judge(literal)) return end({ failure: 'address_refused' })

      sending = request(target, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        agent: agents[target.protocol as keyof typeof agents],
        lookup: judgedLookup,
        ...(ca && { ca }),
      })
      sending.on('error', (error) => end({ failure: failureOf(error) }))
      sending.on('response', (response) => {
        const retryAfter = response.headers['retry-after']
        const answer = { status: response.statusCode ?? 0, ...(retryAfter && { retryAfter }), text: '' }
        sent = { answer, latencyMs: Math.round(performance.now() - startedMs) }
        read = readStart(response, finish)
      })
      sending.end(body)
    })
  }

  return {
    async send(outgoing) {
      const { isStale, ...first } = await attempt(outgoing)
      if (!isStale) return first
      // The endpoint hung up on a kept connection as we wrote to it; that says nothing about the endpoint.
      const { isStale: _, ...second } = await attempt({ ...outgoing, timeoutMs: outgoing.timeoutMs - first.latencyMs })
      return second
    },
    async close() {
      for (const agent of Object.values(agents)) agent.destroy()
    },
  }
}

const systemResolve = async (host: string) => {
  const found = await lookup(host, { all: true })
  return found.map(({ address }) => address)
}

/** Reads the beginning of a body; `done` is told it at the end, or as soon as there is more than anybody wants. */
function readStart(response: IncomingMessage, done: (text: string) => void): () => string {
  const chunks: Buffer[] = []
  let bytes = 0
  const text = () => Buffer.concat(chunks).toString('utf8').replaceAll('\0', '').slice(0, responseCharsMax)
  response.on('data', (chunk: Buffer) => {
    if (bytes < responseCharsMax * 4) chunks.push(chunk)
    bytes += chunk.length
    if (bytes <= responseBytesMax) return
    done(text())
    response.destroy()
  })
  for (const event of ['end', 'error', 'aborted', 'close']) response.on(event, () => done(text()))
  return text
}

class LookupFailure extends Error {
  constructor(readonly failure: Failure) {
    super(failure)
  }
}

const failed = (failure: Failure) => new LookupFailure(failure)

function failureOf(error: Error & { code?: string }): Failure {
  if (error instanceof LookupFailure) return error.failure
  const { code = '' } = error
  if (/^(ECONNREFUSED|EHOSTUNREACH|ENETUNREACH|EADDRNOTAVAIL|EACCES|EPERM)$/.test(code)) return 'connection_refused'
  if (code === 'ETIMEDOUT') return 'timed_out'
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_BORINGSSL|EPROTO)/.test(code)) return 'tls_failed'
  if (code.startsWith('HPE_') || code === 'ERR_INVALID_HTTP_RESPONSE') return 'bad_response'
  return 'connection_lost'
}
