import { closeSync, openSync, readFileSync, readSync, realpathSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'

const magics = ['7f454c46', 'cffaedfe', 'feedfacf', 'cafebabe', '4d5a']

/** Whether a file is a program of its own (ELF, Mach-O, PE) and not a script that starts one. */
export function isProgram(path: string): boolean {
  try {
    if (!statSync(path).isFile()) return false
    const head = Buffer.alloc(4)
    const file = openSync(path, 'r')
    try {
      readSync(file, head, 0, 4, 0)
    } finally {
      closeSync(file)
    }
    return magics.some((magic) => head.toString('hex').startsWith(magic))
  } catch {
    return false
  }
}

/**
 * The program behind a path: the path itself, or the one that a wrapper script starts. Distributions put a shell script
 * in /usr/bin; killing that script's process leaves the browser it started alive, so the script must never be the child.
 */
export function programBehind(path: string): string | undefined {
  let real: string
  try {
    real = realpathSync(path)
  } catch {
    return undefined
  }
  if (isProgram(real)) return real
  const name = basename(real)
  return [
    ...pathsNamedIn(real),
    ...['/usr/lib', '/usr/lib64'].map((lib) => join(lib, name, name)),
    `/usr/lib/chromium/${name}`,
  ].find(isProgram)
}

/** Absolute paths a short script mentions and that look like a Chromium; `/bin/sh` and the like are not of interest. */
function pathsNamedIn(script: string): string[] {
  const found = statSync(script)
  if (!found.isFile() || found.size > 64 * 1024) return []
  const words = readFileSync(script, 'utf8').match(/\/[\w./+-]+/g) ?? []
  return words.filter((word) => /chrom|headless/i.test(basename(word)))
}
