import { describe, expect, test } from 'bun:test'
import { ensureRedisServer, type Machine } from './redis-install.ts'

/** A machine on which installing `packageName` works. */
function machine({ manager, packageName, ...rest }: Partial<Machine> & { manager?: string; packageName?: string }) {
  const ran: string[] = []
  let path: string | undefined
  const fake: Machine = {
    find: () => path,
    has: (program) => program === manager,
    isRoot: false,
    canSudo: () => false,
    run: async (cmd) => {
      ran.push(cmd.join(' '))
      if (packageName && cmd.at(-1) === packageName) path = `/usr/bin/${packageName}`
      return 0
    },
    ...rest,
  }
  return { fake, ran }
}
const quiet = () => {}

describe('a machine without Redis', () => {
  for (const [manager, packageName] of [
    ['apt-get', 'redis-server'],
    ['dnf', 'valkey'],
    ['apk', 'redis'],
  ] as const)
    test(`as root, ${manager} installs it`, async () => {
      const { fake, ran } = machine({ manager, packageName, isRoot: true })
      expect(await ensureRedisServer(quiet, fake)).toBe(`/usr/bin/${packageName}`)
      expect(ran.at(-1)).toStartWith(manager)
    })

  test('as a user whose sudo asks nothing, it is installed through sudo', async () => {
    const { fake, ran } = machine({ manager: 'apt-get', packageName: 'redis-server', canSudo: () => true })
    await ensureRedisServer(quiet, fake)
    expect(ran.every((command) => command.startsWith('sudo -n '))).toBe(true)
  })

  test('Homebrew is never run through sudo', async () => {
    const { fake, ran } = machine({ manager: 'brew', packageName: 'redis' })
    await ensureRedisServer(quiet, fake)
    expect(ran).toEqual(['brew install redis'])
  })

  test('when the first package does not exist, the other name is tried', async () => {
    const { fake } = machine({ manager: 'apt-get', packageName: 'valkey-server', isRoot: true })
    expect(await ensureRedisServer(quiet, fake)).toBe('/usr/bin/valkey-server')
  })

  test('when we may not install, nothing is run and the message says exactly what to run', async () => {
    const { fake, ran } = machine({ manager: 'apt-get', packageName: 'redis-server' })
    await expect(ensureRedisServer(quiet, fake)).rejects.toThrow(/Run `sudo apt-get install .*redis-server`/)
    expect(ran).toEqual([])
  })

  test('without any package manager the message still says what to do', async () => {
    await expect(ensureRedisServer(quiet, machine({}).fake)).rejects.toThrow(/set REDIS_URL/)
  })
})
