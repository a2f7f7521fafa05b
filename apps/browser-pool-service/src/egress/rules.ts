/**
 * What a browser of ours may reach.
 *
 * Enforced inside Chromium's own network stack by `--host-resolver-rules`, so redirects, sub-resources, workers and
 * WebSockets are under the same rules as navigations. A rule sees the host as written in the address (canonical: every
 * notation of an IPv4 address ends as four decimal numbers), not the addresses a name resolves to. A public name that
 * points to a private address therefore still passes; `resolve.ts` catches it on navigations, not on sub-resources.
 * Source: Chromium net/dns/mapped_host_resolver.h and net/base/host_mapping_rules.cc.
 */

/** Cloud metadata services: always out of reach, whatever the policy, for they hand out the machine's credentials. */
const metadata = [
  '169.254.*',
  '[fe80:*',
  '[fd00:ec2:*',
  '[fd20:ce:*',
  '[::ffff:a9fe:*',
  '[::a9fe:*',
  '[64:ff9b::a9fe:*',
  '[::ffff:6464:64c8]*',
  '[::ffff:a83f:8110]*',
  '100.100.100.200',
  '168.63.129.16',
  '192.0.0.192',
  ...names('metadata', 'metadata.google.internal', 'metadata.goog', 'instance-data', 'instance-data.ec2.internal'),
]

/** Everything that is not the public internet, after RFC 6890 and RFC 6761, and the names of a cluster. */
const privateNetworks = [
  '0.*',
  '10.*',
  '127.*',
  ...range(64, 127).map((n) => `100.${n}.*`),
  ...range(16, 31).map((n) => `172.${n}.*`),
  '192.168.*',
  '192.0.0.*',
  '198.18.*',
  '198.19.*',
  ...range(224, 255).map((n) => `${n}.*.*.*`),
  '[::]*',
  '[::1]*',
  '[::ffff:*',
  '[64:ff9b:*',
  '[2002:*',
  '[fc*',
  '[fd*',
  '[fe8*',
  '[fe9*',
  '[fea*',
  '[feb*',
  '[ff*',
  ...names('localhost', '*.localhost', '*.local', '*.internal', '*.svc', '*.cluster.local', '*.home.arpa'),
]

/** The value of `--host-resolver-rules` for this policy. */
export const resolverRules = ({ allowPrivate }: { allowPrivate: boolean }): string =>
  [...metadata, ...(allowPrivate ? [] : privateNetworks)].map((pattern) => `MAP ${pattern} ~NOTFOUND`).join(',')

/** Whether Chromium's rules keep this host (as `URL.hostname` writes it, IPv6 in brackets) out of reach. */
export function isHostBlocked(hostname: string, { allowPrivate }: { allowPrivate: boolean }): boolean {
  const host = hostname.toLowerCase()
  return [...metadata, ...(allowPrivate ? [] : privateNetworks)].some((pattern) => fits(host, pattern))
}

/** The pattern matching of Chromium's `base::MatchPattern`, for the one wildcard used here. */
function fits(host: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[.[\]]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`).test(host)
}

/** Each name as it is and with the root dot, which Chromium keeps. */
function names(...list: string[]): string[] {
  return list.flatMap((name) => [name, `${name}.`])
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index)
}
