import type { Recorder } from '@santaclaude/audit/recorder'
import { backoffMs } from '@santaclaude/kit/backoff'
import type { Clock } from '@santaclaude/kit/clock'
import { pause } from '@santaclaude/kit/deadline'
import type { Host } from '@santaclaude/service/host'
import type { Keys } from '@santaclaude/service/keys'
import type { Secret } from '@santaclaude/service/secret'
import { installRoot, RootKeyError } from './root.ts'

/** The root key on its way into place. */
export interface RootKeeper {
  /** For `/ready`, so that whoever waits for it may use the root key at once. Rejects until the key is in place. */
  ready(): Promise<void>
  close(): Promise<void>
}

/** Puts the root key in place, trying again for as long as the store is away: it may come up after us. */
export function keepRoot(
  { keys, audit, clock, host }: { keys: Keys; audit: Recorder; clock: Clock; host: Pick<Host, 'log' | 'pepper'> },
  key: Secret | undefined,
): RootKeeper {
  const stop = new AbortController()
  let isDone = key === undefined

  async function keepTrying(text: string) {
    for (let attempt = 0; !stop.signal.aborted; attempt++) {
      try {
        const outcome = await installRoot({ keys, audit, pepper: host.pepper, clock }, text)
        isDone = true
        return host.log.info('root key', { outcome })
      } catch (error) {
        host.log.warn('the root key is not in place', { error })
        // The file is wrong: trying again with the same text is of no use.
        if (error instanceof RootKeyError) return
        await pause(backoffMs(attempt, { baseMs: 100, capMs: 2_000 }), stop.signal)
      }
    }
  }

  const ended = key ? keepTrying(key.reveal()) : Promise.resolve()
  return {
    ready: async () => {
      if (!isDone) throw new Error('the root key is not in place')
    },
    close: () => {
      stop.abort()
      return ended
    },
  }
}
