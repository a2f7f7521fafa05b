import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeKey } from '@santaclaude/service/keys'

/** The one folder `dev` keeps its state in. */
export interface State {
  dir: string
  /** The first key, with every scope; made once, printed at each start. */
  devKey: string
  devKeyPath: string
  pepperPath: string
  redisDir: string
  clickhouseDir: string
  logsDir: string
  demoDir: string
  chromiumDir: string
}

/** Makes the folder and its secrets where they are missing. Secrets are readable by their owner only. */
export function openState(dir: string): State {
  const state = {
    dir,
    devKeyPath: join(dir, 'dev-key'),
    pepperPath: join(dir, 'pepper'),
    redisDir: join(dir, 'redis'),
    clickhouseDir: join(dir, 'clickhouse'),
    logsDir: join(dir, 'logs'),
    demoDir: join(dir, 'demo'),
    chromiumDir: join(dir, 'chromium'),
  }
  for (const folder of [dir, state.logsDir]) mkdirSync(folder, { recursive: true })
  secretFile(state.pepperPath, () => Buffer.from(crypto.getRandomValues(new Uint8Array(32))).toString('base64url'))
  return { ...state, devKey: secretFile(state.devKeyPath, () => makeKey().text) }
}

function secretFile(path: string, make: () => string): string {
  if (!existsSync(path)) writeFileSync(path, `${make()}\n`, { mode: 0o600 })
  chmodSync(path, 0o600)
  return readFileSync(path, 'utf8').trim()
}
