import { readFileSync, statSync } from 'node:fs'

const lookEveryMs = 1_000

export interface KeySource {
  /** From the variable itself; does not change. */
  value: string | undefined
  /** A file that holds it; looked at again when it has changed, at most once a second. */
  file: string | undefined
  /** A clock that only goes forward, in milliseconds. */
  nowMs?: () => number
}

/**
 * The provider key to use now. A rotated secret takes effect without a restart, one that appears later switches its
 * provider on, and one that is removed switches it off.
 */
export function keyFrom({ value, file, nowMs = () => performance.now() }: KeySource): () => string | undefined {
  if (file === undefined) return () => value || undefined
  let lookedMs = Number.NEGATIVE_INFINITY
  let version = ''
  let key: string | undefined
  return () => {
    if (nowMs() - lookedMs < lookEveryMs) return key
    lookedMs = nowMs()
    try {
      const { mtimeMs, size, ino } = statSync(file)
      const found = `${mtimeMs}:${size}:${ino}`
      if (found !== version) key = readFileSync(file, 'utf8').trim() || undefined
      version = found
    } catch {
      key = undefined
      version = ''
    }
    return key
  }
}
