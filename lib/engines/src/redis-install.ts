import { findRedisServer } from './redis-server.ts'

/** How a package manager brings the server: each line is tried in order until one works. */
export interface Recipe {
  manager: string
  /** Commands as words, without sudo. */
  attempts: string[][][]
  needsRoot: boolean
}

export const recipes: Recipe[] = [
  {
    manager: 'apt-get',
    attempts: [['redis-server'], ['valkey-server']].map((packages) => [
      ['apt-get', 'update', '-qq'],
      ['apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages],
    ]),
    needsRoot: true,
  },
  {
    manager: 'dnf',
    attempts: [[['dnf', 'install', '-y', 'valkey']], [['dnf', 'install', '-y', 'redis']]],
    needsRoot: true,
  },
  { manager: 'apk', attempts: [[['apk', 'add', 'redis']], [['apk', 'add', 'valkey']]], needsRoot: true },
  { manager: 'brew', attempts: [[['brew', 'install', 'redis']], [['brew', 'install', 'valkey']]], needsRoot: false },
]

/** What the machine offers; the tests bring a machine of their own. */
export interface Machine {
  find(): string | undefined
  has(program: string): boolean
  isRoot: boolean
  /** Whether sudo works without a password. */
  canSudo(): boolean
  /** Runs to the end; answers the exit code. */
  run(cmd: string[]): Promise<number>
}

export class RedisMissingError extends Error {
  override name = 'RedisMissingError'
}

/**
 * The server program, installed with the machine's package manager when it is not there and we may (root, or sudo that
 * asks nothing). Otherwise fails with one message that says exactly what to run.
 */
export async function ensureRedisServer(
  say: (line: string) => void,
  machine: Machine = thisMachine(),
): Promise<string> {
  const found = machine.find()
  if (found) return found

  const recipe = recipes.find(({ manager }) => machine.has(manager))
  const prefix = !recipe?.needsRoot || machine.isRoot ? [] : ['sudo', '-n']
  if (!recipe || (prefix.length > 0 && !machine.canSudo())) throw new RedisMissingError(whatToRun(recipe))

  for (const commands of recipe.attempts) {
    say(`Redis is not on this machine: ${[...prefix, ...(commands.at(-1) ?? [])].join(' ')}`)
    let isDone = true
    for (const command of commands) isDone = isDone && (await machine.run([...prefix, ...command])) === 0
    const installed = machine.find()
    if (installed) return installed
  }
  throw new RedisMissingError(`${recipe.manager} could not install Redis. ${whatToRun(recipe)}`)
}

function whatToRun(recipe: Recipe | undefined): string {
  const command = recipe
    ? `\`${recipe.needsRoot ? 'sudo ' : ''}${recipe.attempts[0]?.at(-1)?.join(' ')}\``
    : 'install redis-server (or valkey-server) with your package manager'
  return `Redis is needed and is not on this machine. Run ${command}, or set REDIS_URL to a Redis you have.`
}

function thisMachine(): Machine {
  return {
    find: findRedisServer,
    has: (program) => Bun.which(program) !== null,
    isRoot: process.getuid?.() === 0,
    canSudo: () => Bun.which('sudo') !== null && Bun.spawnSync(['sudo', '-n', 'true']).exitCode === 0,
    run: async (cmd) => {
      const child = Bun.spawn({
        // `env` because sudo drops variables. RUNLEVEL=1 keeps Debian from starting a service of its own on port 6379.
        cmd: inEnvironment(cmd, ['DEBIAN_FRONTEND=noninteractive', 'RUNLEVEL=1']),
        stdin: 'ignore',
        stdout: 'ignore',
        stderr: 'inherit',
      })
      return await child.exited
    },
  }
}

function inEnvironment(cmd: string[], variables: string[]): string[] {
  const sudo = cmd[0] === 'sudo' ? 2 : 0
  return [...cmd.slice(0, sudo), 'env', ...variables, ...cmd.slice(sudo)]
}
