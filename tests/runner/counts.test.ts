import { expect, test } from 'bun:test'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { countsLine, countsOf } from './counts.ts'

/** Runs real test files and answers what we count in their report. */
async function runAndCount(files: Record<string, string>) {
  const dir = mkdtempSync(join(tmpdir(), 'sc-counts-'))
  for (const [name, text] of Object.entries(files))
    await Bun.write(join(dir, name), `import { test, expect, afterAll } from 'bun:test'\n${text}`)
  const report = join(dir, 'report.xml')
  const cmd = [process.execPath, 'test', '--parallel=2', '--reporter=junit', `--reporter-outfile=${report}`]
  await Bun.spawn({ cmd: [...cmd, ...Object.keys(files)], cwd: dir, stdout: 'ignore', stderr: 'ignore' }).exited
  const counted = countsOf(await Bun.file(report).text(), Object.keys(files))
  rmSync(dir, { recursive: true, force: true })
  return counted
}

test('passes, failures, skips and a failing clean-up are counted as they are', async () => {
  const counted = await runAndCount({
    'some.test.ts': `test('a', () => {}); test('b <&>', () => { expect('</testcase>').toBe(1) }); test.skip('c', () => {}); test.todo('d')`,
    'clean-up.test.ts': `test('e', () => {}); afterAll(() => { throw new Error('late') })`,
  })
  expect(counted).toEqual({ passed: 2, failed: 2, skipped: 2, lost: [] })
})

test('a file whose import throws, one that exits and one that is killed each count as a failure', async () => {
  const counted = await runAndCount({
    'good.test.ts': `test('a', () => {})`,
    'throws.test.ts': `throw new Error('at import')`,
    'exits.test.ts': `test('b', () => { process.exit(0) })`,
    'killed.test.ts': `test('c', () => { process.kill(process.pid, 'SIGKILL') })`,
  })
  expect(counted).toEqual({ passed: 1, failed: 3, skipped: 0, lost: ['throws.test.ts'] })
})

test('without a report every file counts as a failure', () => {
  expect(countsOf('', ['a.test.ts', 'b.test.ts'])).toMatchObject({ passed: 0, failed: 2 })
})

test('the line names skips only when there are some', () => {
  expect(countsLine({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed')
  expect(countsLine({ passed: 3, failed: 1, skipped: 2 })).toBe('3 passed, 1 failed, 2 skipped')
})
