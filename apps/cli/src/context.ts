import { join, resolve } from 'node:path'

/** What a verb gets of the world. */
export interface Context {
  env: Readonly<Record<string, string | undefined>>
  /** The repository's folder. */
  root: string
  /** Where all state of `dev` lives: `.data` in the repository, or `DATA_DIR`. */
  dataDir: string
  /** Whether a person watches: then a screen, otherwise JSON lines. */
  isTty: boolean
  /** One line to stdout. */
  say(line: string): void
  /** Text to stdout as it is. */
  write(text: string): void
}

/** A verb answers the exit code. */
export type Verb = (context: Context, words: string[]) => Promise<number>

/** One exit code per cause, so scripts can tell them apart. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  portBusy: 3,
  engineMissing: 4,
  serviceDied: 5,
  notReady: 6,
  interrupted: 130,
} as const

/** Ends a verb with words for a person and a code for a script. */
export class CliError extends Error {
  override name = 'CliError'
  constructor(
    readonly reason: Exclude<keyof typeof exitCodes, 'ok'>,
    message: string,
  ) {
    super(message)
  }
}

export function contextOf({ env, stdout }: { env: Context['env']; stdout: NodeJS.WriteStream }): Context {
  const root = resolve(import.meta.dir, '../../..')
  // A terminal that closed takes no more words; what we started must be stopped all the same.
  stdout.on('error', () => {})
  return {
    env,
    root,
    dataDir: resolve(root, env.DATA_DIR || join(root, '.data')),
    isTty: stdout.isTTY === true,
    say: (line) => void stdout.write(`${line}\n`),
    write: (text) => void stdout.write(text),
  }
}
