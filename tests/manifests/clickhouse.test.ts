/** The ClickHouse configuration of the cluster, read by the ClickHouse engine itself. */
import { expect, test } from 'bun:test'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { root, textOf } from '../walls/tree.ts'

const chdb = createRequire(join(root, 'lib/testkit/package.json')).resolve('chdb')
/** As in the seed's runbook. */
const backup = "BACKUP DATABASE audit TO Disk('backups', 'audit-backup')"
const statements = [
  'CREATE DATABASE audit',
  'CREATE TABLE audit.events (id UInt32) ENGINE = MergeTree ORDER BY id',
  'INSERT INTO audit.events SELECT number FROM numbers(1000)',
  backup,
  'DROP DATABASE audit SYNC',
  "RESTORE DATABASE audit FROM Disk('backups', 'audit-backup')",
  'SELECT count(), max(id) FROM audit.events',
]

/** What the last statement answered. The engine takes `config.xml` and `config.d/` from the folder it is started in. */
function answer(files: Record<string, string>, dir: string): { out: string; code: number } {
  mkdirSync(join(dir, 'config.d'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text)
  const program = `const { Session } = require(${JSON.stringify(chdb)})
    const session = new Session(${JSON.stringify(join(dir, 'data'))})
    let last
    for (const statement of ${JSON.stringify(statements)}) last = session.query(statement, 'CSV')
    process.stdout.write('answer ' + last)`
  const { stdout, exitCode } = Bun.spawnSync({
    cmd: [process.execPath, '-e', program],
    cwd: dir,
    stdout: 'pipe',
    stderr: 'ignore',
    timeout: 50_000,
  })
  return { out: stdout.toString().trim(), code: exitCode }
}

test('the seed’s BACKUP line works with it, and what it wrote can be restored', () => {
  const folder = 'kustomize/base/infra/clickhouse'
  expect(textOf('kustomize/README.md')).toContain(backup)
  const dir = mkdtempSync(join(tmpdir(), 'sc-clickhouse-'))
  try {
    const config = textOf(`${folder}/config.xml`).replaceAll('/backups/', `${dir}/backups/`)
    const files = { 'config.xml': config, 'config.d/users.xml': textOf(`${folder}/users.xml`) }
    expect(answer(files, dir)).toEqual({ out: 'answer 1000,999', code: 0 })
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})
