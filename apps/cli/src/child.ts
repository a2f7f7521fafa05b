import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { guard } from '@santaclaude/engines/guardian'
import { eachLine } from '@santaclaude/engines/lines'
import { pause } from '@santaclaude/kit/deadline'

const linesKept = 200

/** A child of ours: its lines go to a file, the last ones stay at hand. */
export interface Child {
  name: string
  pid: number
  readonly hasEnded: boolean
  /** The exit code, or the name of the signal that ended it. */
  ended: Promise<number | string>
  lastLines(count: number): string[]
  /** SIGTERM, and SIGKILL to its whole group after `deadlineMs`. */
  stop(deadlineMs: number): Promise<void>
}

export interface ChildOptions {
  name: string
  cmd: string[]
  cwd: string
  env: Record<string, string | undefined>
  logPath: string
  onLine(line: string): void
}

/** Starts a program in a process group of its own: Ctrl-C reaches only us, and we stop it in order. */
export function startChild({ name, cmd, cwd, env, logPath, onLine }: ChildOptions): Child {
  mkdirSync(dirname(logPath), { recursive: true })
  const file = createWriteStream(logPath, { flags: 'a' })
  const lines: string[] = []
  const keep = (line: string) => {
    lines.push(line)
    if (lines.length > linesKept) lines.shift()
    file.write(`${line}\n`)
    onLine(line)
  }
  const process = Bun.spawn({ cmd, cwd, env, detached: true, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe' })
  const unguard = guard(process.pid)
  const reading = Promise.all([eachLine(process.stdout, keep), eachLine(process.stderr, keep)])
  const ended = process.exited.then(async (code) => {
    unguard()
    await Promise.race([reading, pause(500)])
    file.end()
    return process.signalCode ?? code
  })
  return {
    name,
    pid: process.pid,
    get hasEnded() {
      return process.exitCode !== null || process.signalCode !== null
    },
    ended,
    lastLines: (count) => lines.slice(-count),
    async stop(deadlineMs) {
      process.kill('SIGTERM')
      const timer = setTimeout(() => killGroup(process.pid), deadlineMs)
      await ended
      clearTimeout(timer)
    },
  }
}

/** A browser and its helpers are in the group of the service that started them. */
export function killGroup(pid: number): void {
  for (const target of [-pid, pid]) {
    try {
      process.kill(target, 'SIGKILL')
    } catch {
      // Gone already.
    }
  }
}
