/**
 * What `bun run test` does: brings the engines, runs every test file but `tests/weather` and `tests/bench`, and ends
 * with one line of real counts: `N passed, N failed` (`, N skipped` when some were).
 *
 * `bun run test weather` (`bun run test:weather`) runs tests/weather alone, with a number after it that many histories
 * of the event bus under faults; `bun run test <part of a path>…` runs the files that match.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countsLine, countsOf } from './runner/counts.ts'
import { ensureEngines } from './runner/engines.ts'
import { testFiles } from './runner/files.ts'

const root = join(import.meta.dir, '..')
/** One test that needs longer says so itself. */
const testTimeoutMs = 60_000
const runTimeoutMs = 30 * 60_000
const historyMsMax = 30_000

process.exitCode = await main(process.argv.slice(2))

async function main([first, ...rest]: string[]): Promise<number> {
  const histories = first === 'weather' && /^\d+$/.test(rest[0] ?? '') ? rest.shift() : undefined
  const words = first === undefined ? [] : [first, ...rest]
  const files = await testFiles(root, words)
  if (files.length === 0) {
    console.error(`No test file matches ${words.join(' ')}.`)
    return finish({ passed: 0, failed: 1, skipped: 0 }, 1)
  }
  try {
    await ensureEngines((line) => console.error(line))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    return finish({ passed: 0, failed: files.length, skipped: 0 }, 1)
  }

  const dir = mkdtempSync(join(tmpdir(), 'sc-test-'))
  const report = join(dir, 'junit.xml')
  const child = Bun.spawn({
    cmd: [
      ...[process.execPath, 'test', '--parallel=2', `--timeout=${testTimeoutMs}`],
      ...['--reporter=junit', `--reporter-outfile=${report}`, ...files.map((file) => `./${file}`)],
    ],
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', ...(histories ? { WEATHER_HISTORIES: histories } : {}) },
    stdin: 'ignore',
    stdout: 'inherit',
    stderr: 'inherit',
    timeout: runTimeoutMs + Number(histories ?? 0) * historyMsMax,
    killSignal: 'SIGKILL',
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill(signal))
  const code = await child.exited
  const xml = await Bun.file(report)
    .text()
    .catch(() => '')
  rmSync(dir, { recursive: true, force: true })
  return finish(countsOf(xml, files), code)
}

/** A run that ended badly never says zero failed, whatever the report counted. */
function finish(counted: { passed: number; failed: number; skipped: number; lost?: string[] }, code: number): number {
  for (const file of counted.lost ?? []) console.error(`(fail) ${file}: it reported no test (see its error above)`)
  const failed = code !== 0 && counted.failed === 0 ? 1 : counted.failed
  console.log(`\n${countsLine({ ...counted, failed })}`)
  return failed > 0 ? 1 : 0
}
