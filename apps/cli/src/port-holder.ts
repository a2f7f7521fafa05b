import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { commandOf } from '@santaclaude/engines/processes'

/** The process that listens on a TCP port of this machine, as far as we may see it. */
export interface Holder {
  pid: number
  command: string
}

/** Who listens on the port: from /proc on Linux, from lsof elsewhere; nothing when it belongs to another user. */
export function portHolder(port: number): Holder | undefined {
  const pid = fromProc(port) ?? fromLsof(port)
  return pid === undefined ? undefined : { pid, command: commandOf(pid) ?? '' }
}

function fromProc(port: number): number | undefined {
  const inodes = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((path) => listeningInodes(path, port))
  if (inodes.length === 0) return undefined
  const targets = new Set(inodes.map((inode) => `socket:[${inode}]`))
  for (const pid of list('/proc').filter((name) => /^\d+$/.test(name)))
    for (const fd of list(`/proc/${pid}/fd`)) if (targets.has(linkOf(`/proc/${pid}/fd/${fd}`))) return Number(pid)
  return undefined
}

/** proc(5): the fields are sl, local address, remote address, state (0A is LISTEN), …, inode as the tenth. */
function listeningInodes(path: string, port: number): string[] {
  const hex = port.toString(16).toUpperCase().padStart(4, '0')
  return linesOf(path).flatMap((line) => {
    const fields = line.trim().split(/\s+/)
    return fields[1]?.endsWith(`:${hex}`) && fields[3] === '0A' && fields[9] ? [fields[9]] : []
  })
}

function fromLsof(port: number): number | undefined {
  const lsof = Bun.which('lsof')
  if (!lsof) return undefined
  const pid = Number.parseInt(Bun.spawnSync([lsof, '-nP', '-t', `-iTCP:${port}`, '-sTCP:LISTEN']).stdout.toString(), 10)
  return Number.isNaN(pid) ? undefined : pid
}

const orNothing = <T>(read: () => T, nothing: T): T => {
  try {
    return read()
  } catch {
    return nothing
  }
}
const list = (path: string) => orNothing(() => readdirSync(path), [])
const linkOf = (path: string) => orNothing(() => readlinkSync(path), '')
const linesOf = (path: string) => orNothing(() => readFileSync(path, 'utf8').split('\n'), [])
