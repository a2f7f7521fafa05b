import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPortFree } from '@santaclaude/engines/ports'
import { contextOf } from '../../apps/cli/src/context.ts'
import { type Stack, startStack } from '../../apps/cli/src/stack.ts'
import type { Target } from './cases.ts'

/** All five services on real engines, as `dev` starts them, in a folder and on ports of their own. */
export interface WholeStack {
  stack: Stack
  url(name: string): string
  /** The key of `dev`: every scope, tenant `default`. */
  rootKey: string
  /** A new key through the front door. */
  newKey(scopes: string[], tenant?: string): Promise<string>
  target(name: string): Target
  close(): Promise<void>
}

export async function wholeStack(env: Record<string, string> = {}): Promise<WholeStack> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sc-stack-'))
  const context = contextOf({
    env: { ...process.env, ...env, PORT_BASE: await freeBase(), DATA_DIR: dataDir },
    stdout: process.stdout,
  })
  const stack = await startStack({ ...context, isTty: false, say: () => {} })
  const url = (name: string) => stack.services.find((service) => service.name === name)?.url ?? ''
  const rootKey = stack.state.devKey
  const newKey = async (scopes: string[], tenant?: string) => {
    const response = await fetch(`${url('projectflow-ai')}/v1/keys`, {
      method: 'POST',
      headers: { authorization: `Bearer ${rootKey}`, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'contract', scopes, ...(tenant ? { tenant } : {}) }),
    })
    const body = (await response.json()) as { secret?: string }
    if (!body.secret) throw new Error(`no key: ${response.status} ${JSON.stringify(body)}`)
    return body.secret
  }
  return {
    stack,
    url,
    rootKey,
    newKey,
    target: (name) => ({ name, send: (path, init) => fetch(url(name) + path, init), key: newKey }),
    close: async () => {
      await stack.stop()
      rmSync(dataDir, { recursive: true, force: true })
    },
  }
}

/** A hundred ports of which the services' five and Redis's are free. */
async function freeBase(): Promise<string> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 400) * 100
    const wanted = [0, 1, 2, 3, 4, 79].map((offset) => isPortFree(base + offset))
    if ((await Promise.all(wanted)).every(Boolean)) return String(base)
  }
}
