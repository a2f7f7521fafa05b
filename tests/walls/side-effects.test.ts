import { expect, test } from 'bun:test'
import { join } from 'node:path'
import { isTest, root, sources, textOf } from './tree.ts'

const importable = sources().filter(
  (path) => !isTest(path) && !path.endsWith('/main.ts') && !textOf(path).includes(`'bun:test'`),
)

test('importing any file but main.ts opens nothing, prints nothing and reads no environment', async () => {
  const child = Bun.spawn({
    cmd: [process.execPath, join(import.meta.dir, 'imports-run.ts'), ...importable.map((path) => join(root, path))],
    cwd: root,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    // A socket, a timer or a child left open would keep the process: it must end by itself.
    timeout: 20_000,
    killSignal: 'SIGKILL',
  })
  const [out, err, code] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
    child.exited,
  ])
  expect({ code, out, err }).toEqual({ code: 0, out: '', err: '' })
}, 30_000)

test('no file but main.ts waits at its top level', () => {
  const waits = importable.filter((path) => /^(?:await\b|(?:export )?const [^=]*= await\b)/m.test(textOf(path)))
  expect(waits).toEqual([])
})
