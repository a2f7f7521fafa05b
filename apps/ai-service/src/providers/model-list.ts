import type { ProviderModel } from './port.ts'
import { ProviderError } from './port.ts'

const freshMs = 600_000
const refusedMs = 10_000
const deadlineMs = 5_000
const bytesMax = 4 * 1024 * 1024

export interface ModelListOptions<Wire> {
  url: string
  headers: () => Record<string, string>
  read: (model: Wire) => ProviderModel
}

/**
 * A provider's own list of models, asked at most every ten minutes and once at a time. An old list is better than none:
 * it is kept while the provider cannot be asked. Throws {@link ProviderError} when there has never been one.
 */
export function modelList<Wire extends { id: string }>({ url, headers, read }: ModelListOptions<Wire>) {
  let known: ProviderModel[] | undefined
  let askedAtMs = Number.NEGATIVE_INFINITY
  let asking: Promise<ProviderModel[]> | undefined
  /** Why it could not be had just now; not asked again for ten seconds, so that no call waits for a dead list. */
  let refused: { error: unknown; atMs: number } | undefined

  async function ask(): Promise<ProviderModel[]> {
    try {
      const response = await fetch(url, {
        headers: headers(),
        signal: AbortSignal.timeout(deadlineMs),
        redirect: 'error',
      })
      if (!response.ok) {
        await response.body?.cancel()
        const kind = response.status === 401 || response.status === 403 ? 'credentials' : 'failed'
        throw new ProviderError(kind, `the list of models was answered with ${response.status}`)
      }
      const text = await response.text()
      if (text.length > bytesMax) throw new ProviderError('malformed', 'the list of models is too long')
      const { data } = JSON.parse(text) as { data?: Wire[] }
      known = (data ?? []).filter(({ id }) => typeof id === 'string').map(read)
      askedAtMs = performance.now()
      return known
    } catch (error) {
      if (known) return known
      const own = new ProviderError('unreachable', 'the list of models could not be read', { cause: error })
      refused = { error: error instanceof ProviderError ? error : own, atMs: performance.now() }
      throw refused.error
    } finally {
      asking = undefined
    }
  }

  return (signal: AbortSignal): Promise<ProviderModel[]> => {
    if (signal.aborted) return Promise.reject(signal.reason)
    if (known && performance.now() - askedAtMs < freshMs) return Promise.resolve(known)
    if (refused && performance.now() - refused.atMs < refusedMs) return Promise.reject(refused.error)
    asking ??= ask()
    return asking
  }
}
