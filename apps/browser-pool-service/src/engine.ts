import { type Chromium, ensureChromium } from '@santaclaude/engines/chromium'
import type { Logger } from '@santaclaude/service/log'

/** The Chromium of this machine: looked for once, beside the start of the service, and again if it was not found. */
export interface Engine {
  find(): Promise<Chromium>
  /** What was found, for people. */
  said(): string
}

export function openEngine(
  { chromiumPath, chromiumDir }: { chromiumPath: string | undefined; chromiumDir: string },
  log: Logger,
): Engine {
  let finding: Promise<Chromium> | undefined
  let said = 'looking for Chromium'
  const find = () => {
    finding ??= ensureChromium({ path: chromiumPath, unpackDir: chromiumDir }).then(
      (found) => {
        said = `${found.kind} ${found.version}`
        log.info('found Chromium', { kind: found.kind, version: found.version, path: found.path })
        return found
      },
      (error) => {
        finding = undefined
        said = 'no Chromium'
        log.error('no Chromium', { error })
        throw error
      },
    )
    return finding
  }
  find().catch(() => {})
  return { find, said: () => said }
}
