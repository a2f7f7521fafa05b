import type { Exchange } from './exchange.ts'
import { Fault } from './faults.ts'
import type { Host } from './host.ts'

/**
 * Counts and logs finished requests: one histogram by route template, method and status class, and one wide JSON line.
 * The histogram's children are kept per route, so a request looks two maps up and allocates only its line.
 */
export function requestBook(host: Host, service: string): (exchange: Exchange, status: number) => void {
  const seconds = host.metrics.histogram({
    name: 'http_request_seconds',
    help: 'Time from the request line to the last byte of the answer, by route template.',
    labels: ['method', 'route', 'status_class'],
  })
  const children = new Map<string, Map<number, { observe(value: number): void }>>()
  const head = `","level":"info","service":${JSON.stringify(service)},"msg":"request","requestId":"`

  const child = (method: string, route: string, statusClass: number) => {
    const label = `${method} ${route}`
    let byClass = children.get(label)
    if (!byClass) {
      byClass = new Map()
      children.set(label, byClass)
    }
    let found = byClass.get(statusClass)
    if (!found) {
      found = seconds.labels({ method, route, status_class: `${statusClass}xx` })
      byClass.set(statusClass, found)
    }
    return found
  }

  return (exchange, status) => {
    const { route = 'unmatched', requestId, trace, caller, fault } = exchange
    const { method } = exchange.request
    const tookMs = performance.now() - exchange.startedMs
    child(knownMethods.has(method) ? method : 'OTHER', route, Math.floor(status / 100)).observe(tookMs / 1000)
    if (status >= 500 && fault !== undefined)
      host.log.error('request failed', { requestId, traceId: trace.traceId, route, status, fault: causeOf(fault) })
    host.log.line(
      `{"time":"${isoNow()}${head}${requestId}","traceId":"${trace.traceId}","method":"${method}","route":"${route}","status":${status},"ms":${tookMs.toFixed(2)}${
        caller ? `,"keyId":"${caller.keyId}","tenant":"${caller.tenant}"` : ''
      }${fault instanceof Fault ? `,"code":"${fault.code}"` : ''}}`,
    )
  }
}

let isoAtMs = 0
let iso = ''

/** The present time as RFC 3339 text, written once a millisecond. */
function isoNow(): string {
  const nowMs = Date.now()
  if (nowMs !== isoAtMs) {
    isoAtMs = nowMs
    iso = new Date(nowMs).toISOString()
  }
  return iso
}

const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

const causeOf = (fault: unknown) => (fault instanceof Fault ? (fault.options.cause ?? fault) : fault)
