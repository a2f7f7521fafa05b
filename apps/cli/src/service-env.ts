import type { Context } from './context.ts'
import type { Engines } from './engines.ts'
import { type ServiceInfo, urlVariable } from './services.ts'
import type { State } from './state.ts'

/** The environment one service starts with: the caller's own, and above it what `dev` decides. */
export function serviceEnv(
  { env }: Pick<Context, 'env'>,
  { state, engines, services }: { state: State; engines: Engines; services: ServiceInfo[] },
  { port }: ServiceInfo,
): Record<string, string | undefined> {
  return {
    ...env,
    ...engines.chromium?.env,
    ...(engines.chromium ? { CHROMIUM_PATH: engines.chromium.path } : {}),
    ...Object.fromEntries(services.map(({ name, url }) => [urlVariable(name), url])),
    ...secretFrom(env, 'KEY_PEPPER', state.pepperPath),
    ...secretFrom(env, 'ROOT_KEY', state.devKeyPath),
    ...secretFrom(env, 'SERVICE_KEY', state.devKeyPath),
    HOST: '127.0.0.1',
    PORT: String(port),
    REDIS_URL: engines.redisUrl,
    CLICKHOUSE_URL: engines.clickhouseUrl,
    // What receives webhooks is on the same machine while one develops it.
    WEBHOOK_ALLOW_PRIVATE: env.WEBHOOK_ALLOW_PRIVATE || 'true',
  }
}

/** A secret the caller gives stays the caller's: naming both forms is an error at the services. */
const secretFrom = (env: Context['env'], variable: string, path: string) =>
  env[variable] || env[`${variable}_FILE`] ? {} : { [`${variable}_FILE`]: path }
