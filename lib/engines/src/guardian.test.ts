import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pause } from '@santaclaude/kit/deadline'
import { freePort } from './ports.ts'
import { commandOf } from './processes.ts'
import { findRedisServer } from './redis-server.ts'

test('a Redis does not outlive an owner that died of kill -9', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sc-guard-'))
  const program = `
    import { startRedisServer } from ${JSON.stringify(join(import.meta.dir, 'redis-server.ts'))}
    const server = await startRedisServer(${JSON.stringify({ dir, port: await freePort(), binary: findRedisServer() })})
    process.stdout.write(String(server.pid) + '\\n')
    setInterval(() => {}, 1000)`
  const owner = Bun.spawn({ cmd: [process.execPath, '-e', program], stdout: 'pipe', stderr: 'inherit' })
  const reader = owner.stdout.getReader()
  const pid = Number(new TextDecoder().decode((await reader.read()).value))
  expect(commandOf(pid)).toContain('-server')

  owner.kill('SIGKILL')
  await owner.exited
  while (commandOf(pid)?.includes('-server')) await pause(20)
  rmSync(dir, { recursive: true, force: true })
})
