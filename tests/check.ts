/**
 * What `bun run check` does: types, lint, the walls, unused code and documents, at once and without any engine. One
 * line for each; what a failing one printed follows below.
 */
import { join } from 'node:path'

const root = join(import.meta.dir, '..')
const bin = (name: string) => join(root, 'node_modules/.bin', name)

const checks: [name: string, about: string, cmd: string[]][] = [
  ['types', 'TypeScript, strict', [bin('tsc'), '--pretty', 'false']],
  ['lint', 'Biome, warnings count', [bin('biome'), 'check', '--error-on-warnings', '--colors=off', '.']],
  [
    'walls',
    'the laws of the house',
    [process.execPath, 'test', '--path-ignore-patterns=**/docs.test.ts', './tests/walls'],
  ],
  ['docs', 'paths, links and commands in documents', [process.execPath, 'test', './tests/walls/docs.test.ts']],
  ['unused', 'files, exports and dependencies nobody uses', [bin('knip'), '--no-progress']],
]

async function check([name, about, cmd]: (typeof checks)[number]): Promise<string | undefined> {
  const startMs = performance.now()
  const child = Bun.spawn({ cmd, cwd: root, stdin: 'ignore', stdout: 'pipe', stderr: 'pipe', timeout: 120_000 })
  const [out, err] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()])
  const isGood = (await child.exited) === 0
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1)
  console.log(`${isGood ? 'ok  ' : 'FAIL'} ${name.padEnd(8)}${about} (${seconds} s)`)
  return isGood ? undefined : `\n── ${name}\n${(out + err).trim()}`
}

const failures = (await Promise.all(checks.map(check))).filter((text) => text !== undefined)
for (const text of failures) console.error(text)
process.exitCode = failures.length > 0 ? 1 : 0
