/** A host and port. */
export interface Place {
  host: string
  port: number
}

/** Where a Redis is, in one of the three ways it can be run. */
export type RedisAddress =
  | { kind: 'server'; url: string }
  | { kind: 'cluster'; places: Place[]; access: Access }
  | { kind: 'sentinel'; places: Place[]; primary: string; db: number; access: Access; sentinels: Access }

/** What a server asks for at the door. */
interface Access {
  username?: string
  password?: string
  isTls: boolean
}

const form = /^(rediss?)\+(cluster|sentinel):\/\/(?:([^@/]*)@)?([^/?#]+)(?:\/([^?#]*))?(?:\?(.*))?$/

/**
 * Reads a `REDIS_URL`; undefined when it is none:
 * - `redis://[user:password@]host[:6379][/db]` one server
 * - `redis+cluster://[user:password@]host[:6379],host[:6379],…` any nodes of a Redis Cluster; the others are found
 * - `redis+sentinel://[user:password@]host[:26379],host[:26379],…/<name of the primary>[/db]` the sentinels that know it;
 *   `?sentinelUsername=…&sentinelPassword=…` when they ask for a password themselves
 *
 * With `rediss` instead of `redis` every connection is TLS. User and password are percent-encoded.
 */
export function parseRedisUrl(url: string): RedisAddress | undefined {
  if (/^rediss?:/.test(url)) return URL.canParse(url) ? { kind: 'server', url } : undefined
  const match = form.exec(url)
  if (!match) return undefined
  const [, scheme, kind, login = '', hosts = '', path = '', query = ''] = match
  const isTls = scheme === 'rediss'
  const places = hosts.split(',').map((host) => placeOf(host, kind === 'cluster' ? 6379 : 26379))
  const access = accessOf(login, isTls)
  if (!access || !places.every((place) => place !== undefined)) return undefined
  if (kind === 'cluster') return path === '' && query === '' ? { kind, places, access } : undefined
  const [primary = '', db = '0', ...rest] = path.split('/')
  if (primary === '' || !/^\d{1,4}$/.test(db) || rest.length > 0) return undefined
  const extra = new URLSearchParams(query)
  const sentinels = loginOf(extra.get('sentinelUsername') ?? '', extra.get('sentinelPassword') ?? '', isTls)
  return { kind: 'sentinel', places, primary, db: Number(db), access, sentinels }
}

function placeOf(text: string, port: number): Place | undefined {
  const match = /^(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9._-]+)(?::(\d{1,5}))?$/.exec(text)
  const given = match?.[2] === undefined ? port : Number(match[2])
  if (!match?.[1] || given < 1 || given > 65_535) return undefined
  return { host: match[1].replace(/^\[|\]$/g, ''), port: given }
}

function accessOf(login: string, isTls: boolean): Access | undefined {
  const [username = '', ...rest] = login.split(':')
  try {
    return loginOf(decodeURIComponent(username), decodeURIComponent(rest.join(':')), isTls)
  } catch {
    return undefined
  }
}

const loginOf = (username: string, password: string, isTls: boolean): Access => ({
  ...(username !== '' && { username }),
  ...(password !== '' && { password }),
  isTls,
})
