import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { within } from '@santaclaude/kit/deadline'

/** Where the Chromium of the npm package lies once unpacked, and what it needs in its environment. */
export interface BundledChromium {
  path: string
  env: Record<string, string>
}

const unpackDeadlineMs = 120_000

/**
 * Unpacks the Chromium inside `@sparticuz/chromium` (about 210 MB, a few seconds, once per version) into `dir` and
 * answers where it lies. None of the package's arguments are used: they switch off process and site isolation.
 *
 * The package unpacks into the temporary directory and takes whatever file named `chromium` is there already, whoever
 * put it there. So it runs in a child whose temporary directory is a new private one, which then is renamed into place:
 * a half-unpacked browser or a planted one is never started.
 */
export async function unpackChromium(dir: string): Promise<BundledChromium> {
  const home = join(dir, `chromium-${bundledVersion()}`)
  makePrivate(dir)
  if (!existsSync(home)) {
    const fresh = mkdtempSync(join(dir, 'unpacking-'))
    try {
      await unpackInto(fresh)
      renameSync(fresh, home)
    } catch (error) {
      rmSync(fresh, { recursive: true, force: true })
      // Another process may have finished the same work a moment ago; then its folder is as good as ours.
      if (!existsSync(home)) throw error
    }
  }
  makePrivate(home)
  writeFontsConf(home)
  return bundledAt(join(home, 'chromium'))
}

/** The bundled Chromium at this path. */
export const bundledAt = (path: string): BundledChromium => ({
  path,
  env: { FONTCONFIG_PATH: join(dirname(path), 'fonts') },
})

/** Whether the program at this path was unpacked from the package: then it has its fonts and libraries beside it. */
export const isBundled = (path: string) => existsSync(bundledLibraries(path))

/** The folder of shared libraries that came with the package, for a machine that has no NSS installed. */
export const bundledLibraries = (path: string) => join(dirname(path), 'al2023', 'lib')

/**
 * The package's own fonts.conf names folders of one cloud's image. Where they are missing Chromium has no font at all,
 * and dies at the first page that has an input field.
 */
function writeFontsConf(home: string): void {
  const folders = [
    join(home, 'fonts', 'fonts'),
    '/usr/share/fonts',
    '/usr/local/share/fonts',
    join(homedir(), '.fonts'),
  ]
  const xml = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  const conf = `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
${folders.map((folder) => `  <dir>${xml(folder)}</dir>`).join('\n')}
  <cachedir>${xml(join(home, 'fonts-cache'))}</cachedir>
</fontconfig>
`
  const path = join(home, 'fonts', 'fonts.conf')
  if (existsSync(path) && readFileSync(path, 'utf8') === conf) return
  // A browser that starts meanwhile reads the old text or the new one, never half of it.
  writeFileSync(`${path}.${process.pid}`, conf)
  renameSync(`${path}.${process.pid}`, path)
}

function bundledVersion(): string {
  const entry = fileURLToPath(import.meta.resolve('@sparticuz/chromium'))
  return (JSON.parse(readFileSync(join(dirname(entry), '..', 'package.json'), 'utf8')) as { version: string }).version
}

async function unpackInto(dir: string): Promise<void> {
  const program = `import chromium from ${JSON.stringify(import.meta.resolve('@sparticuz/chromium'))}
    await chromium.executablePath()`
  const child = Bun.spawn({
    cmd: [process.execPath, '-e', program],
    // Naming this platform makes the package unpack its NSS libraries too; nothing else comes of it.
    env: { TMPDIR: dir, HOME: dir, PATH: '/usr/bin:/bin', AWS_EXECUTION_ENV: 'nodejs22.x' },
    stdin: 'ignore',
    stdout: 'ignore',
    stderr: 'pipe',
  })
  try {
    const code = await within(unpackDeadlineMs, 'unpacking Chromium', child.exited)
    if (code !== 0)
      throw new Error(`unpacking Chromium failed: ${(await new Response(child.stderr).text()).slice(0, 500)}`)
  } finally {
    child.kill('SIGKILL')
  }
  if (!existsSync(join(dir, 'chromium'))) throw new Error('unpacking Chromium made no executable')
}

/** Makes a folder that only we can write to, and refuses one that belongs to somebody else. */
function makePrivate(dir: string): void {
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  const found = lstatSync(dir)
  const uid = process.getuid?.()
  if (!found.isDirectory() || (uid !== undefined && found.uid !== uid))
    throw new Error(`${dir} is not a folder of our own; Chromium is not unpacked where others could replace it`)
  chmodSync(dir, 0o700)
}
