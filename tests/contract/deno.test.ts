import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { serviceNames } from './in-process.ts'

const root = join(import.meta.dir, '../..')

test('the contract holds under Deno, for every service', async () => {
  const child = Bun.spawn(
    [
      join(root, 'node_modules/.bin/deno'),
      'run',
      '-A',
      '--quiet',
      '--node-modules-dir=manual',
      join(import.meta.dir, 'under-deno.ts'),
    ],
    { cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', env: { ...process.env, NO_COLOR: '1' } },
  )
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  const outcomes = out
    .split('\n')
    .filter((line) => line.startsWith('{"name"'))
    .map((line) => JSON.parse(line) as { name: string; failure: string | null })
  expect({ code, err: code === 0 ? '' : err.slice(-2_000) }).toEqual({ code: 0, err: '' })
  expect(outcomes.filter(({ failure }) => failure !== null)).toEqual([])
  for (const name of serviceNames()) expect(outcomes.some((outcome) => outcome.name.startsWith(`${name}:`))).toBe(true)
}, 120_000)
