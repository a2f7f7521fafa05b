/** The cluster's Redis, started here by its own command line. */
import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { textOf } from '../walls/tree.ts'
import { objects, podOf, the } from './render.ts'

const { command = [], args = [] } = podOf(the(objects('prod'), 'Deployment', 'redis')).container

/** Starts what the Deployment starts, with its folders under `dir` and a socket file instead of the port. */
function start(dir: string) {
  const config = textOf('kustomize/base/infra/redis/redis.conf').replaceAll('/data', dir)
  writeFileSync(join(dir, 'redis.conf'), config)
  const cmd = command.map((word) => word.replace('/data', dir).replace('/etc/redis', dir))
  const socket = ['--port', '0', '--unixsocket', join(dir, 'socket')]
  return Bun.spawn({ cmd: [...cmd, ...args, ...socket], stdin: 'ignore', stdout: 'ignore', stderr: 'ignore' })
}
const ask = (dir: string, ...words: string[]) => {
  const { stdout } = Bun.spawnSync({ cmd: ['redis-cli', '-e', '-s', join(dir, 'socket'), ...words], stderr: 'ignore' })
  return stdout.toString().trim()
}
async function untilAnswers(dir: string): Promise<void> {
  while (ask(dir, 'ping') !== 'PONG') await Bun.sleep(20)
}

test.skipIf(!Bun.which('flock') || !Bun.which('redis-cli'))(
  'one Redis at a time has the folder: a successor waits, and then has all that was written',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'sc-redis-'))
    const first = start(dir)
    const children = [first]
    try {
      await untilAnswers(dir)
      expect(ask(dir, 'config', 'get', 'maxmemory')).toBe(`maxmemory\n${Number.parseInt(args[1] ?? '', 10) * 2 ** 20}`)
      expect(ask(dir, 'config', 'get', 'maxmemory-policy')).toEndWith('noeviction')
      const run = ask(dir, 'info', 'server').match(/run_id:(\w+)/)?.[1]
      ask(dir, 'set', 'kept', 'yes')

      const second = start(dir)
      children.push(second)
      expect(ask(dir, 'info', 'server')).toContain(`run_id:${run}`)
      // SIGTERM reaches Redis itself: flock has become it.
      first.kill('SIGTERM')
      expect(await first.exited).toBe(0)
      await untilAnswers(dir)
      expect(ask(dir, 'info', 'server')).not.toContain(`run_id:${run}`)
      expect(ask(dir, 'get', 'kept')).toBe('yes')
    } finally {
      for (const child of children) child.kill('SIGKILL')
      for (const child of children) await child.exited
      rmSync(dir, { recursive: true, force: true })
    }
  },
)
