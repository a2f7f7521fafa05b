import { relative } from 'node:path'
import type { Context } from './context.ts'
import type { Stack } from './stack.ts'

/** What the screen says beyond the stack itself. */
export interface Facts {
  version: string
  readyMs: number
  /** `offline model - set …`, or the names of the providers that have a key. */
  model: string
}

export const keyLine = '  d demo   l logs   r restart one   q quit'

/** The one screen of `dev`: at most 18 lines. */
export function screenOf(stack: Stack, facts: Facts, { root }: Pick<Context, 'root'>): string[] {
  const { engines, state, services, adopted } = stack
  const near = (path: string) => relative(root, path) || path
  const rows = services.map(({ name, port, needs, url }) => {
    const engine = needs.map((need) => engineWord(need, stack)).join(' + ')
    const mark = adopted.has(name) ? ' (was running)' : ''
    return `  ${name.padEnd(23)}${String(port).padEnd(7)}${(engine + mark).padEnd(34)}${url.replace('127.0.0.1', 'localhost')}/swagger`
  })
  return [
    `Santaclaude ${facts.version} is ready in ${(facts.readyMs / 1000).toFixed(1)} s`,
    '',
    ...rows,
    '',
    `  model    ${facts.model}`,
    `  browser  ${engines.chromiumLabel}`,
    `  engines  ${engines.redisLabel}, ${engines.clickhouseLabel}; state in ${near(state.dir)}/`,
    `  dev key  ${state.devKey}  (${near(state.devKeyPath)})`,
    '',
    keyLine,
  ]
}

function engineWord(need: string, { engines }: Stack): string {
  if (need === 'redis') return engines.redisLabel
  if (need === 'clickhouse') return engines.clickhouseLabel
  return engines.chromium?.kind ?? `no ${need}`
}

/** The same as one JSON line, for a program that watches. */
export const factsLine = ({ engines, state, services, adopted }: Stack, facts: Facts) =>
  JSON.stringify({
    event: 'ready',
    ...facts,
    services: services.map(({ name, port, url, needs }) => ({
      ...{ name, port, url, swagger: `${url}/swagger`, engines: needs },
      wasRunning: adopted.has(name),
    })),
    redis: engines.redisLabel,
    clickhouse: engines.clickhouseLabel,
    browser: engines.chromiumLabel,
    dataDir: state.dir,
    devKey: state.devKey,
    devKeyFile: state.devKeyPath,
  })
