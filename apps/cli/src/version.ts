import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Context } from './context.ts'

/** The version in the repository's package.json. */
export const versionOf = ({ root }: Pick<Context, 'root'>): string =>
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version
