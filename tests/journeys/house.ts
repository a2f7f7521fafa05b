import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPortFree } from '@santaclaude/engines/ports'
import { pause } from '@santaclaude/kit/deadline'

const cli = join(import.meta.dir, '../../apps/cli/src/main.ts')

/** What `dev` says when it is ready. */
export interface Ready {
  readyMs: number
  model: string
  browser: string
  devKey: string
  dataDir: string
  services: { name: string; port: number; url: string; swagger: string }[]
}

/** A running `dev` on ports and state of its own. */
export interface House {
  ready: Ready
  env: Record<string, string | undefined>
  /** Everything it printed. */
  output(): string
  url(service: string): string
  signal(name: NodeJS.Signals): void
  /** Ids of all processes below it that live now. */
  processes(): number[]
  exited: Promise<number>
  /** Stops it, waits for its end, and removes its state. */
  close(): Promise<void>
}

/** Runs the command line to its end. */
export async function runCli(words: string[], env: Record<string, string | undefined>) {
  const child = Bun.spawn({
    cmd: [process.execPath, cli, ...words],
    env,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  return { code: await child.exited, out, err }
}

/** The environment of a house of its own: nothing of the caller's keys and engines reaches it. */
export async function houseEnv(): Promise<Record<string, string | undefined>> {
  const { PATH, HOME, TMPDIR, CHROMIUM_PATH } = process.env
  const dataDir = mkdtempSync(join(tmpdir(), 'sc-journey-'))
  return { PATH, HOME, TMPDIR, CHROMIUM_PATH, DATA_DIR: dataDir, PORT_BASE: String(await freeBase()) }
}

/** Starts `dev` and waits until it says that it is ready. */
export async function startHouse(): Promise<House> {
  const env = await houseEnv()
  const child = Bun.spawn({ cmd: [process.execPath, cli, 'dev'], env, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  let text = ''
  const reading = Promise.all(
    [child.stdout, child.stderr].map(async (stream) => {
      for await (const bytes of stream) text += Buffer.from(bytes).toString()
    }),
  )
  while (!text.includes('"event":"ready"')) {
    if (child.exitCode !== null) {
      await reading
      throw new Error(`dev ended with ${child.exitCode}:\n${text}`)
    }
    await pause(20)
  }
  const line = text.split('\n').find((one) => one.includes('"event":"ready"')) ?? '{}'
  const ready = JSON.parse(line) as Ready
  return {
    ready,
    env,
    output: () => text,
    url: (service) => ready.services.find(({ name }) => name === service)?.url ?? '',
    signal: (name) => child.kill(name),
    processes: () => descendantsOf(child.pid),
    exited: child.exited,
    async close() {
      child.kill('SIGTERM')
      await child.exited
      rmSync(ready.dataDir, { recursive: true, force: true })
    },
  }
}

/** All processes below one, through /proc; the guardian is its child as well. */
function descendantsOf(pid: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8')
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]))
    } catch {
      // It ended while we looked.
    }
  }
  const below = (of: number): number[] =>
    [...parents].filter(([, parent]) => parent === of).flatMap(([child]) => [child, ...below(child)])
  return below(pid)
}

async function freeBase(): Promise<number> {
  for (;;) {
    const base = 20_000 + Math.floor(Math.random() * 400) * 100
    const free = await Promise.all([0, 1, 2, 3, 4, 79].map((offset) => isPortFree(base + offset)))
    if (free.every(Boolean)) return base
  }
}
