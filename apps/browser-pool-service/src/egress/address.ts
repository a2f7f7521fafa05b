import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { within } from '@santaclaude/kit/deadline'
import { isHostBlocked } from './rules.ts'

export interface EgressPolicy {
  /** Whether pages may reach loopback and private networks. Metadata services are out of reach either way. */
  allowPrivate: boolean
}

/** Why an address is not opened; each in public words. */
export class AddressRefused extends Error {
  constructor(readonly detail: string) {
    super(detail)
    this.name = 'AddressRefused'
  }
}

const lookupDeadlineMs = 3_000

/**
 * The address a browser may be sent to, in its canonical form; rejects with {@link AddressRefused} otherwise. Only http
 * and https are opened: file:, chrome:, data:, javascript:, view-source: and the like read the machine or run as us.
 * A name is looked up once and refused when any of its addresses is out of reach; a name we cannot look up is left for
 * the browser to report. The browser looks it up again, so this is a help and not the fence: see `rules.ts`.
 */
export async function openableAddress(
  text: string,
  policy: EgressPolicy,
  resolve: (host: string) => Promise<string[]> = addressesOf,
): Promise<string> {
  const url = parse(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new AddressRefused(`Only http and https addresses are opened; this one is ${url.protocol.slice(0, 32)}.`)
  if (isHostBlocked(url.hostname, policy)) throw new AddressRefused(outOfReach(url.hostname, policy))
  const isLiteral = url.hostname.startsWith('[') || isIP(url.hostname) !== 0
  const addresses = isLiteral ? [] : await resolve(url.hostname)
  if (addresses.some((address) => isHostBlocked(hostOf(address), policy)))
    throw new AddressRefused(outOfReach(url.hostname, policy))
  return url.href
}

/**
 * An address for records and events: no user information, no query, no fragment. A form sent by GET carries what was
 * typed in its query, and typed text is never recorded.
 */
export function recordedAddress(text: string): string {
  if (!URL.canParse(text)) return 'about:invalid'
  const { protocol, origin, pathname } = new URL(text)
  if (protocol !== 'http:' && protocol !== 'https:') return protocol
  return `${origin}${pathname}`.slice(0, 1024)
}

function parse(text: string): URL {
  if (!URL.canParse(text)) throw new AddressRefused('This is not an absolute address such as https://example.com/.')
  return new URL(text)
}

const outOfReach = (host: string, { allowPrivate }: EgressPolicy) =>
  `${host.slice(0, 253)} is out of reach for browsers of this service: ${
    allowPrivate ? 'cloud metadata addresses are' : 'private networks and cloud metadata addresses are'
  } closed to them.`

/** An IP address as `URL.hostname` would write it. */
const hostOf = (address: string) =>
  new URL(isIP(address) === 6 ? `http://[${address.split('%')[0]}]/` : `http://${address}/`).hostname

async function addressesOf(host: string): Promise<string[]> {
  try {
    const found = await within(lookupDeadlineMs, 'looking up a name', lookup(host, { all: true }))
    return found.map(({ address }) => address)
  } catch {
    return []
  }
}
