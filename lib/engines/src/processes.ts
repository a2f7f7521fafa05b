import { readFileSync } from 'node:fs'

/** The command line of a living process, words joined by spaces; nothing when there is no such process. */
export function commandOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() || undefined
  } catch {
    const ps = Bun.which('ps')
    if (!ps) return undefined
    return (
      Bun.spawnSync([ps, '-o', 'command=', '-p', String(pid)])
        .stdout.toString()
        .trim() || undefined
    )
  }
}
