export type Level = 'debug' | 'info' | 'warn' | 'error'
const ranks: Record<Level, number> = { debug: 10, info: 20, warn: 30, error: 40 }

/** JSON lines, one event a line: `{ time, level, service, msg, … }`. */
export interface Logger {
  debug(msg: string, fields?: Record<string, unknown>): void
  info(msg: string, fields?: Record<string, unknown>): void
  warn(msg: string, fields?: Record<string, unknown>): void
  error(msg: string, fields?: Record<string, unknown>): void
  /** Writes a line that is already JSON text, level info; the request log's fast path. */
  line(json: string): void
  /** Hands everything still buffered to the sink. */
  flush(): void
}

/** A logger that says nothing; for tests and for code that was given none. */
export const quietLogger: Logger = { debug() {}, info() {}, warn() {}, error() {}, line() {}, flush() {} }

const describe = (error: Error): Record<string, unknown> => ({
  name: error.name,
  message: error.message,
  stack: error.stack,
  ...(error.cause === undefined
    ? {}
    : { cause: error.cause instanceof Error ? describe(error.cause) : String(error.cause) }),
})

/**
 * A logger that gathers lines for up to `holdMs` and writes them at once. Buffering loses at most that much on kill -9;
 * the audit trail, not the log, is the record of what happened.
 */
export function logger({
  service,
  level,
  write,
  holdMs = 20,
}: {
  service: string
  level: Level
  write: (lines: string) => void
  holdMs?: number
}): Logger {
  let held = ''
  let timer: ReturnType<typeof setTimeout> | undefined
  const flush = () => {
    clearTimeout(timer)
    timer = undefined
    if (held === '') return
    const lines = held
    held = ''
    write(lines)
  }
  const line = (json: string) => {
    held += `${json}\n`
    if (held.length > 65_536) flush()
    else timer ??= setTimeout(flush, holdMs)
  }
  const at = (rank: Level) =>
    ranks[rank] < ranks[level]
      ? () => {}
      : (msg: string, fields?: Record<string, unknown>) =>
          line(
            JSON.stringify({ time: new Date().toISOString(), level: rank, service, msg, ...fields }, (_, value) =>
              value instanceof Error ? describe(value) : typeof value === 'bigint' ? String(value) : value,
            ),
          )
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    line: ranks.info < ranks[level] ? () => {} : line,
    flush,
  }
}
