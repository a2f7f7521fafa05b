import { parseRedisUrl } from '@santaclaude/redis/address'
import { Secret } from './secret.ts'

/** The environment as a process gets it. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One setting: the variable it comes from and how its text is read. */
export interface Setting<T> {
  variable: string
  about: string
  /** How the default reads in a table; absent = the setting is required. */
  fallback?: string
  isSecret?: true
  /** A file named by `<variable>_FILE` that is not there counts as absent: an optional Secret was not given. */
  mayBeMissing?: true
  /** The value, or a complaint that says what was expected. */
  read(text: string | undefined): { value: T } | { expected: string }
}

type Settings = Record<string, Setting<unknown>>
export type Configured<S extends Settings> = { [Key in keyof S]: S[Key] extends Setting<infer T> ? T : never }

interface Base<T> {
  about: string
  default?: T
}

function setting<T>(
  variable: string,
  { about, default: fallback }: Base<T>,
  parse: (text: string) => T | undefined,
  expected: string,
): Setting<T> {
  return {
    variable,
    about,
    ...(fallback === undefined ? {} : { fallback: String(fallback) }),
    read(text) {
      if (text === undefined || text === '') return fallback === undefined ? { expected } : { value: fallback }
      const value = parse(text)
      return value === undefined ? { expected } : { value }
    },
  }
}

/** Any text. */
export const text = (variable: string, base: Base<string>) => setting(variable, base, (given) => given, 'a text')

/** A text that may be absent. */
export const optionalText = (variable: string, base: { about: string }): Setting<string | undefined> => ({
  variable,
  about: base.about,
  fallback: '',
  read: (given) => ({ value: given === '' ? undefined : given }),
})

/** A whole number within bounds. */
export const integer = (variable: string, base: Base<number> & { min: number; max: number }) =>
  setting(
    variable,
    base,
    (given) => {
      const value = /^-?\d+$/.test(given) ? Number(given) : Number.NaN
      return value >= base.min && value <= base.max ? value : undefined
    },
    `a whole number from ${base.min} to ${base.max}`,
  )

/** true or false. */
export const flag = (variable: string, base: Base<boolean>) =>
  setting(variable, base, (given) => (given === 'true' ? true : given === 'false' ? false : undefined), 'true or false')

/** One of a few words. */
export const choice = <const V extends readonly string[]>(variable: string, values: V, base: Base<V[number]>) =>
  setting<V[number]>(variable, base, (given) => values.find((value) => value === given), `one of ${values.join(', ')}`)

/** A URL of one of these schemes. Kept secret, and readable from `<variable>_FILE`, since it may hold a password. */
export const url = (variable: string, base: Base<string> & { schemes: string[] }): Setting<string> => ({
  ...setting(
    variable,
    { ...base, about: `${base.about} May come as ${variable}_FILE, a file's path.` },
    (given) => (URL.canParse(given) && base.schemes.includes(new URL(given).protocol.slice(0, -1)) ? given : undefined),
    `a URL that begins with ${base.schemes.map((scheme) => `${scheme}:`).join(' or ')}`,
  ),
  isSecret: true,
})

/** The address of a Redis in one of `parseRedisUrl`'s forms. Kept secret, as it may hold a password. */
const redisAddress = (variable: string, base: Base<string>): Setting<string> => ({
  ...setting(
    variable,
    { ...base, about: `${base.about} May come as ${variable}_FILE, a file's path.` },
    (given) => (parseRedisUrl(given) ? given : undefined),
    'a URL that begins with redis:, rediss:, redis+cluster: or redis+sentinel:',
  ),
  isSecret: true,
})

/**
 * A secret: from the variable itself or from the file that `<variable>_FILE` names. Absent = undefined. With
 * `mayBeMissing` a named file that does not exist is absent too; without it that is a complaint.
 */
export const secret = (
  variable: string,
  { about, mayBeMissing }: { about: string; mayBeMissing?: true },
): Setting<Secret | undefined> => ({
  variable,
  about: `${about} May come as ${variable}_FILE, a file's path.`,
  fallback: '',
  isSecret: true,
  ...(mayBeMissing && { mayBeMissing }),
  read: (given) => ({ value: given === undefined || given === '' ? undefined : new Secret(given) }),
})

/** Declares a service's settings. */
export const settings = <S extends Settings>(declared: S): S => declared

/** Every complaint about the environment at once, one a line. */
export class ConfigError extends Error {
  constructor(readonly complaints: string[]) {
    super(`the environment does not fit:\n${complaints.map((line) => `  ${line}`).join('\n')}`)
    this.name = 'ConfigError'
  }
}

/**
 * Reads the declared settings. All errors are reported together, each with the variable, what was given and what is
 * expected; a secret's value is never shown. `readFile` serves the `_FILE` form.
 */
export function configure<S extends Settings>(
  declared: S,
  environment: Environment,
  readFile: (path: string) => string,
): Configured<S> {
  const complaints: string[] = []
  const entries = Object.entries(declared).map(([name, one]) => {
    const read = one.read(textOf(one, { environment, readFile, complaints }))
    if ('value' in read) return [name, read.value]
    const given = environment[one.variable]
    complaints.push(
      `${one.variable}: ${given === undefined ? 'is not set' : `is ${one.isSecret ? '[secret]' : JSON.stringify(given)}`}, expected ${read.expected}. ${one.about}`,
    )
    return [name, undefined]
  })
  if (complaints.length > 0) throw new ConfigError(complaints)
  return Object.fromEntries(entries) as Configured<S>
}

function textOf(
  { variable, isSecret, mayBeMissing }: Setting<unknown>,
  {
    environment,
    readFile,
    complaints,
  }: { environment: Environment; readFile: (path: string) => string; complaints: string[] },
): string | undefined {
  const path = isSecret ? environment[`${variable}_FILE`] : undefined
  if (path === undefined || path === '') return environment[variable]
  if (environment[variable])
    complaints.push(`${variable}: is set together with ${variable}_FILE, expected only one of them.`)
  try {
    return readFile(path).trim()
  } catch (error) {
    if (mayBeMissing && (error as { code?: unknown }).code === 'ENOENT') return undefined
    complaints.push(`${variable}_FILE: is ${JSON.stringify(path)}, expected a file that can be read.`)
    return undefined
  }
}

/** The settings every service has. */
export const houseSettings = settings({
  bindHost: text('HOST', { default: '127.0.0.1', about: 'Address to listen on.' }),
  logLevel: choice('LOG_LEVEL', ['debug', 'info', 'warn', 'error'], {
    default: 'info',
    about: 'The least level that is logged.',
  }),
  lameDuckMs: integer('LAME_DUCK_MS', {
    default: 0,
    min: 0,
    max: 60_000,
    about: 'How long /ready says 503 before the port closes, in milliseconds.',
  }),
  drainMs: integer('DRAIN_MS', {
    default: 10_000,
    min: 0,
    max: 600_000,
    about: 'How long requests in flight may take to finish at a stop, in milliseconds.',
  }),
  keyPepper: secret('KEY_PEPPER', { about: 'The server-side half of every key hash; the same for all services.' }),
  redisUrl: redisAddress('REDIS_URL', {
    default: 'redis://127.0.0.1:6379',
    about:
      'The Redis that all services share: redis://host:port, a Cluster as redis+cluster://host:port,host:port or by its sentinels as redis+sentinel://host:port,host:port/name; rediss instead of redis for TLS.',
  }),
})

/** The port setting of one service. */
export const port = (fallback: number) =>
  integer('PORT', { default: fallback, min: 0, max: 65_535, about: 'TCP port to listen on; 0 takes a free one.' })
