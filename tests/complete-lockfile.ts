/**
 * Adds to bun.lock the platform builds that a registry could not serve when the lockfile was written.
 *
 * Bun leaves out an optional platform package whose metadata it cannot fetch, which breaks a frozen install on that
 * platform. The entry is added without a hash: Bun then takes the version as pinned and skips only the checksum.
 * Run after every change of dependencies: `bun tests/complete-lockfile.ts`. The walls test fails when it is needed.
 */
import { completeLockfile } from './walls/lockfile.ts'

const path = new URL('../bun.lock', import.meta.url).pathname
await Bun.write(path, completeLockfile(await Bun.file(path).text()))
