import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'

const prefix = 'browser-pool-'

/**
 * A private folder for everything browsers write, named after our process. What earlier processes that were killed left
 * behind is removed first: profiles of a browser that died with its owner have nobody else to clean them up.
 */
export function openScratch(base: string, pid = process.pid): { path: string; close(): void } {
  mkdirSync(base, { recursive: true })
  for (const name of readdirSync(base).filter((each) => each.startsWith(prefix))) {
    const owner = Number(name.slice(prefix.length))
    if (owner === pid || !isRunning(owner)) rmSync(join(base, name), { recursive: true, force: true })
  }
  const path = join(base, `${prefix}${pid}`)
  mkdirSync(path, { mode: 0o700 })
  return { path, close: () => rmSync(path, { recursive: true, force: true }) }
}

function isRunning(pid: number): boolean {
  if (!Number.isInteger(pid) || pid <= 0) return false
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}
