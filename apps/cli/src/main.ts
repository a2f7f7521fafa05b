#!/usr/bin/env bun
import { CliError, contextOf, exitCodes, type Verb } from './context.ts'

const verbs: Record<string, () => Promise<Verb>> = {
  dev: async () => (await import('./dev.ts')).dev,
  demo: async () => (await import('./demo.ts')).demo,
  doctor: async () => (await import('./doctor.ts')).doctor,
  reset: async () => (await import('./reset.ts')).reset,
}

const [name = 'dev', ...words] = process.argv.slice(2)
const load = verbs[name]
try {
  if (!load) throw new CliError('usage', `There is no "${name}". Say one of: ${Object.keys(verbs).join(', ')}.`)
  process.exitCode = await (await load())(contextOf({ env: process.env, stdout: process.stdout }), words)
} catch (error) {
  process.stderr.write(`${error instanceof CliError ? error.message : Bun.inspect(error)}\n`)
  process.exitCode = error instanceof CliError ? exitCodes[error.reason] : exitCodes.failed
}
process.exit()
