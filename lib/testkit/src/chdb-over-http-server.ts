/**
 * The process behind `chdb-over-http.ts`: `bun chdb-over-http-server.ts <folder> <port>`.
 *
 * Speaks as much of ClickHouse's HTTP interface as `@clickhouse/client` uses: `/ping`, the statement in `query` or in the
 * body, `param_*`, settings as URL parameters, gzip both ways, and errors as status 4xx/5xx with
 * `X-ClickHouse-Exception-Code`. Source: https://clickhouse.com/docs/interfaces/http
 */
import { gunzipSync, gzipSync } from 'node:zlib'
import type { Session } from 'chdb'

/** URL parameters that are no settings, and settings that only an HTTP server has. */
const notSettings =
  /^(query|query_id|database|default_format|session_id|user|password|param_.*|wait_end_of_query|enable_http_compression|.*http.*|role)$/

if (import.meta.main) await serve(process.argv[2] ?? '', Number(process.argv[3]))

async function serve(dir: string, port: number) {
  const { Session } = await import('chdb')
  // Held open for the life of the process: the engine would otherwise stop and start with every request.
  const anchor = new Session(dir)
  let answersToLose = 0
  Bun.serve({
    port,
    hostname: '127.0.0.1',
    idleTimeout: 30,
    development: false,
    error: () => new Response(null, { status: 500 }),
    async fetch(request) {
      const url = new URL(request.url)
      if (url.pathname === '/ping') return new Response('Ok.\n')
      if (url.pathname === '/lose-insert-answers') {
        answersToLose = Number(url.searchParams.get('count'))
        return new Response('Ok.\n')
      }
      const statement = await statementOf(request, url)
      const response = await answer(new Session(dir), { statement, url, isGzip: acceptsGzip(request, url) })
      if (/^\s*INSERT/i.test(statement) && answersToLose > 0) {
        answersToLose--
        return cut()
      }
      return response
    },
  })
  process.on('SIGTERM', () => {
    anchor.close()
    process.exit()
  })
  process.stdout.write('listening\n')
}

async function statementOf(request: Request, url: URL): Promise<string> {
  const raw = Buffer.from(await request.arrayBuffer())
  const body = (request.headers.get('content-encoding') === 'gzip' ? gunzipSync(raw) : raw).toString('utf8')
  const query = url.searchParams.get('query')
  return query === null ? body : body === '' ? query : `${query}\n${body}`
}

const acceptsGzip = (request: Request, url: URL) =>
  url.searchParams.get('enable_http_compression') === '1' && /gzip/.test(request.headers.get('accept-encoding') ?? '')

async function answer(
  session: Session,
  { statement, url, isGzip }: { statement: string; url: URL; isGzip: boolean },
): Promise<Response> {
  try {
    for (const [name, value] of url.searchParams)
      if (!notSettings.test(name) && /^\w+$/.test(name))
        await session.queryAsync(`SET ${name} = '${value.replaceAll("'", "''")}'`)
    const params = Object.fromEntries(
      [...url.searchParams]
        .filter(([name]) => name.startsWith('param_'))
        .map(([name, value]) => [
          name.slice('param_'.length),
          value.startsWith('[') ? listOf(value) : unescapeTsv(value),
        ]),
    )
    const format = url.searchParams.get('default_format') ?? 'TabSeparated'
    const result =
      Object.keys(params).length > 0
        ? await session.queryBindAsync(statement, params, { format })
        : await session.queryAsync(statement, { format })
    const bytes = Buffer.from(result.bytes())
    const summary = { read_rows: String(result.rowsRead), read_bytes: String(result.bytesRead) }
    return new Response(isGzip ? gzipSync(bytes) : bytes, {
      headers: {
        'x-clickhouse-query-id': url.searchParams.get('query_id') ?? '',
        'x-clickhouse-summary': JSON.stringify(summary),
        ...(isGzip ? { 'content-encoding': 'gzip' } : {}),
      },
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const code = (error as { clickhouseCode?: number }).clickhouseCode ?? 1
    return new Response(message, { status: 500, headers: { 'x-clickhouse-exception-code': String(code) } })
  } finally {
    session.close()
  }
}

/** A body that breaks off, so that the client sees a reset instead of an answer. */
const cut = () =>
  new Response(
    new ReadableStream({
      start: (controller) => controller.error(new Error('cut')),
    }),
  )

/** A list as the client writes it, `['a','b\\'c']`, so that the engine's own binding writes it again. */
const listOf = (text: string) => [...text.matchAll(/'((?:[^'\\]|\\.)*)'/gs)].map(([, item]) => unescapeTsv(item ?? ''))

/** Parameters travel in the escapes of the TabSeparated format. */
const escapes: Record<string, string> = { t: '\t', n: '\n', r: '\r', '0': '\0', b: '\b', f: '\f', '\\': '\\', "'": "'" }
const unescapeTsv = (text: string) => text.replace(/\\(.)/gs, (_, letter: string) => escapes[letter] ?? letter)
