import { FairLine } from './fair-line.ts'

/** Thrown when the line is full or the wait in it took too long. */
export class SemaphoreError extends Error {
  constructor(readonly reason: 'full' | 'timeout' | 'aborted') {
    super(`no permit: ${reason}`)
    this.name = 'SemaphoreError'
  }
}

interface Waiter {
  grant(): void
}

/**
 * A counted permit with a bounded line, in which lanes (such as tenants) take turns and within one the first comes first. `acquire` answers a function that gives the permit back; calling it
 * twice gives it back once.
 */
export class Semaphore {
  private readonly line = new FairLine<Waiter>()
  private taken = 0

  constructor(
    readonly permits: number,
    readonly waitersMax: number,
  ) {}

  get inUse() {
    return this.taken
  }
  get waiting() {
    return this.line.length
  }

  acquire({ waitMs, signal, lane = '' }: { waitMs: number; signal?: AbortSignal; lane?: string }): Promise<() => void> {
    if (this.taken < this.permits) return Promise.resolve(this.take())
    if (this.line.length >= this.waitersMax) return Promise.reject(new SemaphoreError('full'))
    return new Promise((resolve, reject) => {
      const leave = (reason: 'timeout' | 'aborted') => {
        settle()
        this.line.remove(lane, waiter)
        reject(new SemaphoreError(reason))
      }
      const onAbort = () => leave('aborted')
      const timer = setTimeout(() => leave('timeout'), waitMs)
      const settle = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        grant: () => {
          settle()
          resolve(this.take())
        },
      }
      if (signal?.aborted) {
        clearTimeout(timer)
        return reject(new SemaphoreError('aborted'))
      }
      signal?.addEventListener('abort', onAbort, { once: true })
      this.line.add(lane, waiter)
    })
  }

  private take(): () => void {
    this.taken++
    let given = false
    return () => {
      if (given) return
      given = true
      this.taken--
      if (this.taken < this.permits) this.line.next()?.grant()
    }
  }
}
