import { readFileSync } from 'node:fs'

/** A child process under measurement. It prints a line with `"port":N` when it listens. */
export interface Measured {
  port: number
  pid: number
  /** Milliseconds from the spawn to the line that says it listens. */
  startMs: number
  /** User and system CPU time so far, in microseconds. Linux only. */
  cpuMicros(): number
  /** Resident memory in MiB. */
  residentMib(): number
  close(): Promise<void>
}

const ticksPerSecond = 100

export function cpuMicrosOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ')
  return ((Number(fields[11]) + Number(fields[12])) * 1e6) / ticksPerSecond
}

export const residentMibOf = (pid: number) =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024

export async function measured(script: string, environment: Record<string, string> = {}): Promise<Measured> {
  const startedMs = performance.now()
  const child = Bun.spawn([process.execPath, script], {
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'inherit',
  })
  const listening = Promise.withResolvers<{ port: number; startMs: number }>()
  void (async () => {
    let text = ''
    for await (const chunk of child.stdout) {
      if (text.length > 100_000) continue
      text += new TextDecoder().decode(chunk)
      const port = /"port":(\d+)/.exec(text)?.[1]
      if (port) listening.resolve({ port: Number(port), startMs: performance.now() - startedMs })
    }
    listening.reject(new Error(`${script} ended before it listened: ${text}`))
  })()
  const { port, startMs } = await listening.promise
  return {
    port,
    startMs,
    pid: child.pid,
    cpuMicros: () => cpuMicrosOf(child.pid),
    residentMib: () => residentMibOf(child.pid),
    async close() {
      child.kill()
      await child.exited
    },
  }
}

/** The middle of several figures. */
export function median(figures: number[]): number {
  const sorted = [...figures].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}
