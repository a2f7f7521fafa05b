import { closeSync, mkdirSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { pause } from '@santaclaude/kit/deadline'
import { guard } from './guardian.ts'
import { eachLine } from './lines.ts'
import { commandOf } from './processes.ts'

/** A Redis that this process started and alone may stop. */
export interface RedisServer {
  /** `redis://127.0.0.1:<port>` */
  url: string
  port: number
  pid: number
  dir: string
  /** Settles when the process is gone, whoever ended it. */
  exited: Promise<void>
  /** The last lines it wrote, oldest first. */
  lastLines(): string[]
  /** SIGTERM, so the append-only file is flushed; SIGKILL after 10 s. */
  stop(): Promise<void>
  /** Ends it as a crash would, for tests of durability. */
  kill9(): Promise<void>
}

export interface RedisServerOptions {
  /** Where the append-only file lives; made when absent. One server per folder. */
  dir: string
  port: number
  /** The program, from `findRedisServer` or `ensureRedisServer`. */
  binary: string
  appendfsync?: 'always' | 'everysec' | 'no'
  /** How long to wait for PONG; loading a large append-only file counts. */
  readyMs?: number
  /** More of its own options, as `['--maxmemory', '64mb']`. */
  args?: string[]
}

export class RedisStartError extends Error {
  override name = 'RedisStartError'
  constructor(
    readonly reason: 'dir_in_use' | 'port_in_use' | 'died' | 'not_ready',
    message: string,
  ) {
    super(message)
  }
}

const names = ['redis-server', 'valkey-server']
const claimFile = 'server.claim.json'
const linesKept = 50

/** The Redis (or Valkey) server program on PATH, or where package managers put it outside PATH. */
export function findRedisServer(): string | undefined {
  for (const name of names) {
    const path =
      Bun.which(name) ??
      Bun.which(name, { PATH: '/usr/bin:/usr/sbin:/usr/local/bin:/opt/homebrew/bin:/home/linuxbrew/.linuxbrew/bin' })
    if (path) return path
  }
  return undefined
}

/**
 * Starts a Redis of our own: append-only file on, nothing evicted, loopback only. Resolves when it answers PONG.
 * Fails with a {@link RedisStartError}; nothing is left running then.
 */
export async function startRedisServer(options: RedisServerOptions): Promise<RedisServer> {
  const { dir, port, binary, appendfsync = 'everysec', readyMs = 60_000, args = [] } = options
  mkdirSync(dir, { recursive: true })
  const release = claim(dir, port)
  const child = Bun.spawn({
    cmd: [
      ...[binary, '--port', String(port), '--bind', '127.0.0.1', '--dir', dir, '--daemonize', 'no', '--save', ''],
      ...['--appendonly', 'yes', '--appendfsync', appendfsync, '--maxmemory-policy', 'noeviction', ...args],
    ],
    cwd: dir,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    // A group of its own: Ctrl-C in the terminal reaches us, and we stop it after those who need it.
    detached: true,
  })
  const unguard = guard(child.pid)
  writeFileSync(join(dir, claimFile), JSON.stringify({ pid: child.pid, port }))
  const lines: string[] = []
  const keep = (line: string) => {
    lines.push(line)
    if (lines.length > linesKept) lines.shift()
  }
  const reading = Promise.all([eachLine(child.stdout, keep), eachLine(child.stderr, keep)])
  const exited = child.exited.then(async () => {
    unguard()
    await reading
    release()
  })

  try {
    await untilPong(child, port, readyMs)
  } catch (error) {
    child.kill('SIGKILL')
    await exited
    if (lines.some((line) => /address already in use/i.test(line)))
      throw new RedisStartError('port_in_use', `port ${port} is in use`)
    throw error instanceof RedisStartError && error.reason === 'died'
      ? new RedisStartError('died', `${binary} ended at start: ${lines.slice(-3).join(' | ')}`)
      : error
  }

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: child.pid,
    dir,
    exited,
    lastLines: () => [...lines],
    stop: async () => {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await exited
      clearTimeout(timer)
    },
    kill9: async () => {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** The port of the Redis that runs on this folder, if one does. */
export function runningRedisPort(dir: string): number | undefined {
  const path = join(dir, claimFile)
  return isClaimed(path) ? (JSON.parse(readFileSync(path, 'utf8')) as { port: number }).port : undefined
}

/** Two servers on one folder would interleave their append-only files; Redis itself does not look. */
function claim(dir: string, port: number): () => void {
  const path = join(dir, claimFile)
  const release = () => rmSync(path, { force: true })
  if (isClaimed(path))
    throw new RedisStartError('dir_in_use', `another Redis runs on ${dir}: ${readFileSync(path, 'utf8')}`)
  release()
  try {
    const file = openSync(path, 'wx')
    writeFileSync(file, JSON.stringify({ port }))
    closeSync(file)
  } catch (cause) {
    throw new RedisStartError('dir_in_use', `another process is starting Redis on ${dir}: ${cause}`)
  }
  return release
}

function isClaimed(path: string): boolean {
  try {
    const { pid } = JSON.parse(readFileSync(path, 'utf8')) as { pid?: number }
    if (pid === undefined) return Date.now() - statSync(path).mtimeMs < 10_000
    // The number may belong to somebody else by now: it counts only while it is still a Redis.
    return names.some((name) => commandOf(pid)?.includes(name))
  } catch {
    return false
  }
}

async function untilPong(child: Bun.Subprocess, port: number, readyMs: number): Promise<void> {
  const endMs = Date.now() + readyMs
  while (Date.now() < endMs) {
    if (child.exitCode !== null || child.signalCode !== null) throw new RedisStartError('died', 'ended at start')
    if (await answersPong(port, child.pid)) return
    await pause(15)
  }
  throw new RedisStartError('not_ready', `Redis on port ${port} did not answer PONG within ${readyMs} ms`)
}

/** Asks for the process id as well, so that a stranger on the same port is not taken for our child. */
function answersPong(port: number, pid: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = ''
    const socket = connect({ port, host: '127.0.0.1' })
    const done = (isOurs: boolean) => {
      socket.destroy()
      resolve(isOurs)
    }
    socket.setTimeout(1000, () => done(false))
    socket.once('error', () => done(false))
    socket.once('connect', () => socket.write('PING\r\nINFO server\r\n'))
    socket.on('data', (bytes) => {
      answer += bytes
      if (answer.startsWith('-')) done(false)
      else if (answer.includes('process_id:'))
        done(answer.startsWith('+PONG') && answer.includes(`process_id:${pid}\r\n`))
    })
  })
}
