/**
 * What every service promises, read off its own OpenAPI document: each route is met by callers without a key, with the
 * wrong key, and with bad input. Plain functions that throw, so the same cases run under `bun test` and under Deno.
 */
import { scopes } from '@santaclaude/service/keys'

export interface Target {
  name: string
  /** Sends a request to the service; `path` begins with a slash. */
  send(path: string, init?: RequestInit & { headers?: Record<string, string> }): Promise<Response>
  /** A key of one test tenant with exactly these scopes. */
  key(scopes: string[]): Promise<string>
}

export interface Case {
  name: string
  run(): Promise<void>
}

interface Operation {
  method: string
  /** The template, `/v1/things/{id}`. */
  path: string
  scope: string | undefined
  mediaTypes: string[]
  parameters: { name: string; in: string }[]
  description: Described
}

interface Described {
  summary?: string
  description?: string
  security?: unknown[]
  parameters?: { name: string; in: string }[]
  requestBody?: { content: Record<string, { schema?: Record<string, unknown>; example?: unknown; examples?: unknown }> }
  responses: Record<string, { description?: string }>
}

export interface OpenApiDocument {
  paths: Record<string, Record<string, Described>>
  components: { schemas: Record<string, Record<string, unknown>> }
}

/** Every scope but the one of our own services. */
const allScopes = scopes.filter((scope) => scope !== 'internal')

function demand(holds: boolean, words: string): asserts holds {
  if (!holds) throw new Error(words)
}

/** The routes that need a key, as the document tells of them. */
export function operationsOf(document: OpenApiDocument): Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    path.startsWith('/v1')
      ? Object.entries(methods).map(([method, description]) => ({
          method: method.toUpperCase(),
          path,
          scope: /scope `([a-z:]+)`/.exec(description.description ?? '')?.[1],
          mediaTypes: Object.keys(description.requestBody?.content ?? {}),
          parameters: description.parameters ?? [],
          description,
        }))
      : [],
  )
}

/** The code of a refusal, in whichever dialect it came; throws when the answer is no clear refusal. */
async function refusalOf(response: Response, what: string): Promise<string> {
  const text = await response.text()
  demand(response.status < 500, `${what}: answered ${response.status}: ${text.slice(0, 300)}`)
  demand(response.status >= 400, `${what}: was taken with ${response.status}`)
  const type = response.headers.get('content-type') ?? ''
  demand(type.includes('json'), `${what}: answered ${response.status} as ${type || 'nothing'}: ${text.slice(0, 100)}`)
  const body = JSON.parse(text) as { code?: string; requestId?: string; error?: { code?: string; message?: string } }
  if (body.error) {
    demand(typeof body.error.message === 'string' && body.error.message !== '', `${what}: an error without a message`)
    return body.error.code ?? ''
  }
  demand(typeof body.code === 'string', `${what}: a problem without a code: ${text.slice(0, 200)}`)
  demand(
    body.requestId === response.headers.get('x-request-id'),
    `${what}: the problem and the header differ in request id`,
  )
  return body.code
}

const fill = (path: string, value: string) => path.replace(/\{\w+\}/g, value)
const nobody = '01890a5d-ac96-774b-bcce-b302099a8057'
const label = ({ method, path }: Operation) => `${method} ${path}`

export function contractCases(target: Target, document: OpenApiDocument): Case[] {
  const operations = operationsOf(document)
  const withJson = operations.filter(({ mediaTypes }) => mediaTypes.includes('application/json'))
  const cases: Case[] = []
  const add = (name: string, run: () => Promise<void>) => cases.push({ name: `${target.name}: ${name}`, run })
  const each = async (list: Operation[], run: (operation: Operation) => Promise<void>) => {
    for (const operation of list) await run(operation)
  }
  const bodyOf = (operation: Operation) =>
    operation.mediaTypes.length > 0
      ? { body: '{}', headers: { 'content-type': operation.mediaTypes[0] as string } }
      : {}
  const full = new Map<string, string>()
  /** A key that may do everything a tenant may, or what only the platform's own services may. */
  const bearer = async (scope?: string) => {
    const scopes = scope === 'internal' ? ['internal'] : allScopes
    const key = full.get(scopes.join()) ?? (await target.key(scopes))
    full.set(scopes.join(), key)
    return { authorization: `Bearer ${key}` }
  }

  add('the five routes without a key answer', async () => {
    for (const path of ['/health', '/ready', '/metrics', '/swagger', '/swagger/json', '/']) {
      const response = await target.send(path)
      demand(response.status === 200, `${path} answered ${response.status}: ${(await response.text()).slice(0, 300)}`)
      demand(response.headers.get('x-request-id') !== null, `${path} has no request id`)
    }
  })

  add('the pages load nothing from elsewhere', async () => {
    for (const path of ['/swagger', '/']) {
      const html = await (await target.send(path)).text()
      const outside = [...html.matchAll(/(?:src|href)="(?:https?:)?\/\/([^"]+)"/g)].map(([, url]) => url)
      demand(outside.length === 0, `${path} loads ${outside.join(', ')}`)
    }
  })

  add('metrics carry the service name and no ids', async () => {
    const text = await (await target.send('/metrics')).text()
    const own = `sc_${target.name.replace(/-service$/, '').replaceAll('-', '_')}_`
    const foreign = text.split('\n').filter((line) => line !== '' && !line.startsWith('#') && !line.startsWith(own))
    demand(foreign.length === 0, `metrics outside ${own}: ${foreign.slice(0, 3).join(' | ')}`)
    demand(!/[0-9a-f]{8}-[0-9a-f]{4}-7/.test(text), 'an id is a label value')
  })

  add('every route under /v1 has a summary, a scope, answers and, with a body, an example', async () => {
    demand(operations.length > 0, 'the document has no route under /v1')
    for (const operation of operations) {
      const { description } = operation
      const what = label(operation)
      demand(Boolean(description.summary), `${what} has no summary`)
      demand(Boolean(description.security), `${what} asks for no key`)
      demand(
        Object.keys(description.responses).some((status) => status.startsWith('2') || status === '101'),
        `${what} declares no success`,
      )
      for (const [type, media] of Object.entries(description.requestBody?.content ?? {}))
        demand(hasExample(document, media), `${what} has no example of its ${type} body`)
    }
  })

  add('without a key every route answers the same 401, whatever the body', async () => {
    await each(operations, async (operation) => {
      const response = await target.send(fill(operation.path, nobody), {
        method: operation.method,
        ...bodyOf(operation),
      })
      demand(response.status === 401, `${label(operation)} answered ${response.status} without a key`)
      demand(response.headers.get('www-authenticate') !== null, `${label(operation)} names no scheme`)
      await refusalOf(response, label(operation))
    })
  })

  add('a key without the scope gets 403 before its body is judged', async () => {
    const scopeless = await target.key(['projects:use'])
    const other = await target.key(['audit:read'])
    await each(operations, async (operation) => {
      if (!operation.scope) return
      const key = operation.scope === 'projects:use' ? other : scopeless
      const response = await target.send(fill(operation.path, nobody), {
        method: operation.method,
        ...bodyOf(operation),
        headers: { ...bodyOf(operation).headers, authorization: `Bearer ${key}` },
      })
      demand(
        response.status === 403,
        `${label(operation)} answered ${response.status} to a key without ${operation.scope}`,
      )
    })
  })

  const badBodies: [string, BodyInit, Record<string, string>, number[]][] = [
    ['malformed JSON', '{"a":', {}, [400]],
    ['bad UTF-8', new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), {}, [400]],
    ['10,000-deep JSON', '['.repeat(10_000) + ']'.repeat(10_000), {}, [400]],
    ['a __proto__ key', '{"__proto__":{"isAdmin":true}}', {}, [400]],
    ['an unknown field', '{"no-such-field-anywhere":1}', {}, [422]],
    ['a list of numbers', '[1,2]', {}, [422]],
    ['null', 'null', {}, [422]],
    ['a number', '7', {}, [422]],
    ['another media type', 'a=b', { 'content-type': 'application/x-www-form-urlencoded' }, [415]],
    ['no body', '', {}, [400, 415, 422]],
  ]
  for (const [what, body, headers, statuses] of badBodies)
    add(`${what} gets a clear refusal on every route with a body`, async () => {
      await each(withJson, async (operation) => {
        const auth = await bearer(operation.scope)
        const response = await target.send(fill(operation.path, nobody), {
          method: operation.method,
          body,
          headers: { 'content-type': 'application/json', ...headers, ...auth },
        })
        const { status } = response
        await refusalOf(response, `${label(operation)} with ${what}`)
        // An OpenAI-style dialect knows 400 only; an unknown id, or a route for our own services only, is noticed first.
        demand(
          [...statuses, 400, 403, 404].includes(status),
          `${label(operation)} with ${what}: ${status}, expected ${statuses}`,
        )
      })
    })

  add('a 10 MB body is refused with 413, or judged where that much is allowed', async () => {
    const auth = await bearer()
    const body = `{"padding":"${'a'.repeat(10_000_000)}"}`
    await each(withJson, async (operation) => {
      const response = await target.send(fill(operation.path, nobody), {
        method: operation.method,
        body,
        headers: { 'content-type': 'application/json', ...auth },
      })
      await refusalOf(response, `${label(operation)} with 10 MB`)
    })
  })

  const oddIds = [
    nobody,
    'x',
    '%00',
    '..%2f..%2fetc%2fpasswd',
    '%E2%80%AE',
    'a'.repeat(300),
    '%ff',
    '__proto__',
    "'%20or%201=1--",
  ]
  add('unknown and odd ids get a refusal or an empty answer, never an accident', async () => {
    const auth = await bearer()
    await each(
      operations.filter(({ method, path }) => path.includes('{') && (method === 'GET' || method === 'DELETE')),
      async (operation) => {
        for (const id of oddIds) {
          const stop = new AbortController()
          const response = await target.send(fill(operation.path, id), {
            method: operation.method,
            headers: auth,
            signal: stop.signal,
          })
          demand(
            response.status < 500,
            `${label(operation)} with ${id}: ${response.status} ${(await response.text()).slice(0, 200)}`,
          )
          await response.body?.cancel().catch(() => {})
          stop.abort()
        }
      },
    )
  })

  add('where queries are taken, an unknown one gets 422 and odd values never an accident', async () => {
    const auth = await bearer()
    await each(
      operations.filter(({ method, path }) => method === 'GET' && !path.includes('{') && !path.endsWith('/stream')),
      async (operation) => {
        const queries = operation.parameters.filter((parameter) => parameter.in === 'query')
        if (queries.length === 0) return
        const unknown = await target.send(`${operation.path}?no-such-query=1`, { headers: auth })
        demand(unknown.status === 422, `${label(operation)} with an unknown query: ${unknown.status}`)
        await refusalOf(unknown, label(operation))
        for (const { name } of queries)
          for (const value of ['', '%00', '-1', '1e99', 'NaN', '[]', '%F0%9F%92%A9', 'x'.repeat(5_000)]) {
            const response = await target.send(`${operation.path}?${name}=${value}`, { headers: auth })
            demand(
              response.status < 500,
              `${label(operation)}?${name}=${value.slice(0, 20)}: ${response.status} ${(await response.text()).slice(0, 200)}`,
            )
            await response.body?.cancel().catch(() => {})
          }
      },
    )
  })

  add('an unknown address gets 404 and a wrong method 405 with Allow', async () => {
    const auth = await bearer()
    const absent = await target.send('/v1/no-such-room', { headers: auth })
    demand(absent.status === 404, `an unknown address answered ${absent.status}`)
    await refusalOf(absent, 'an unknown address')
    for (const path of new Set(operations.map((operation) => operation.path))) {
      const taken = operations.filter((operation) => operation.path === path).map(({ method }) => method)
      const free = ['PUT', 'PATCH', 'DELETE', 'POST'].find((method) => !taken.includes(method))
      if (!free) continue
      const response = await target.send(fill(path, nobody), { method: free, headers: auth })
      demand(response.status === 405, `${free} ${path} answered ${response.status}`)
      const allow = response.headers.get('allow') ?? ''
      demand(
        taken.every((method) => allow.includes(method)),
        `${free} ${path}: Allow is "${allow}", taken are ${taken}`,
      )
    }
  })

  add('a request id is echoed when safe, replaced when not', async () => {
    const echo = async (id: string) =>
      (await target.send('/health', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    demand((await echo('safe-id.1')) === 'safe-id.1', 'a safe id was not echoed')
    demand((await echo('not safe"')) !== 'not safe"', 'an unsafe id was echoed')
  })

  return cases
}

/** Whether a body is shown by example: at the media type, at its schema, or at each of the schema's required fields. */
function hasExample(
  document: OpenApiDocument,
  media: { schema?: Record<string, unknown>; example?: unknown; examples?: unknown },
): boolean {
  if (media.example !== undefined || media.examples !== undefined) return true
  const resolve = (schema: Record<string, unknown> | undefined): Record<string, unknown> => {
    const name = typeof schema?.$ref === 'string' ? schema.$ref.split('/').at(-1) : undefined
    return name ? resolve(document.components.schemas[name]) : (schema ?? {})
  }
  const schema = resolve(media.schema)
  if (schema.examples !== undefined || schema.example !== undefined) return true
  const properties = (schema.properties ?? {}) as Record<string, Record<string, unknown>>
  const required = (schema.required ?? []) as string[]
  return (
    required.length > 0 &&
    required.every((name) => {
      const property = resolve(properties[name])
      return (
        property.examples !== undefined ||
        property.example !== undefined ||
        property.enum !== undefined ||
        property.const !== undefined
      )
    })
  )
}
