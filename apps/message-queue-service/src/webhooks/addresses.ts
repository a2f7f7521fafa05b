import { isIPv4, isIPv6 } from 'node:net'

export interface AddressPolicy {
  /** Whether endpoints may lie in loopback and private networks, and speak plain http: for laptops, never for a cloud. */
  allowPrivate: boolean
}

/** `isOutOfReach`: it is an address, but one no request is sent to. */
export type Endpoint = { url: string } | { refusal: string; isOutOfReach?: true }

type Net = readonly [first: string, bits: number]

/**
 * Addresses that are nobody's endpoint under any policy: unspecified, link-local (where clouds keep their metadata
 * services), multicast, reserved, documentation, and the metadata addresses outside of link-local.
 * Source: IANA special-purpose address registries (RFC 6890), AWS, GCP, Azure, Oracle and Alibaba documentation.
 */
const never: Net[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['168.63.129.16', 32],
  ['100.100.100.200', 32],
  ['192.0.0.192', 32],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 3],
  ['fd00:ec2::', 32],
  ['fd20:ce::', 32],
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
]

/** Loopback, private networks, the carriers' shared range, benchmark networks. */
const privateNets: Net[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['::1', 128],
  ['fc00::', 7],
]

/**
 * The only part of IPv6 that is the public internet. What is outside is refused unasked: mapped, translated and
 * compatible IPv4 (`::ffff:…`, `64:ff9b::…`), link-local, site-local, multicast, discard.
 */
const globalUnicast: Net = ['2000::', 3]

/** Whether a request may be sent to this IP address. Anything that is not a plain address is refused. */
export function isReachable(address: string, { allowPrivate }: AddressPolicy): boolean {
  const bytes = bytesOf(address)
  if (!bytes || never.some((net) => isIn(bytes, net))) return false
  if (privateNets.some((net) => isIn(bytes, net))) return allowPrivate
  return bytes.length === 4 || isIn(bytes, globalUnicast)
}

/**
 * The address of an endpoint in its canonical form, or what is wrong with it in public words. Numeric notations of IPv4
 * (octal, hexadecimal, one number) are resolved by the URL parser, so what is judged is what would be connected to; a
 * name is judged again, by what it resolves to, each time a connection is made.
 */
export function endpointOf(text: string, policy: AddressPolicy): Endpoint {
  if (text.length > urlLengthMax || !URL.canParse(text))
    return { refusal: 'is no absolute URL of up to 2,048 characters' }
  const url = new URL(text)
  if (url.protocol !== 'https:' && !(policy.allowPrivate && url.protocol === 'http:'))
    return { refusal: policy.allowPrivate ? 'must begin with https: or http:' : 'must begin with https:' }
  if (url.username !== '' || url.password !== '') return { refusal: 'must not hold a user name or a password' }
  if (url.port === '0') return { refusal: 'must not name port 0' }
  url.hash = ''
  const address = literalOf(url)
  if (address !== undefined && !isReachable(address, policy))
    return { refusal: 'is not on the public internet', isOutOfReach: true }
  return { url: url.href }
}

/** The IP address that a URL names instead of a host name. */
export function literalOf({ hostname }: URL): string | undefined {
  const address = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
  return isIPv4(address) || isIPv6(address) ? address : undefined
}

const urlLengthMax = 2_048

function bytesOf(address: string): number[] | undefined {
  if (isIPv4(address)) return address.split('.').map(Number)
  if (!isIPv6(address) || address.includes('%')) return undefined
  // The URL parser writes an embedded IPv4 part in hexadecimal, so what is left are groups and at most one gap.
  const [before = '', after] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::')
  const head = groups(before)
  const tail = groups(after ?? '')
  const gap = Array.from({ length: 8 - head.length - tail.length }, () => 0)
  return [...head, ...gap, ...tail].flatMap((group) => [group >> 8, group & 255])
}

const groups = (text: string) => (text === '' ? [] : text.split(':').map((group) => Number.parseInt(group, 16)))

function isIn(bytes: number[], [first, bits]: Net): boolean {
  const net = bytesOf(first) ?? []
  if (net.length !== bytes.length) return false
  return bytes.every((byte, at) => {
    const mask = (0xff << (8 - Math.min(8, Math.max(0, bits - 8 * at)))) & 0xff
    return (byte & mask) === ((net[at] ?? 0) & mask)
  })
}
