import type { AnyElysia } from 'elysia'
import { faults } from './faults.ts'

type Json = Record<string, unknown>
type Operation = Json & { responses?: Record<string, Json>; security?: { key?: string[] }[]; tags?: string[] }

const problemRef = { $ref: '#/components/schemas/Problem' }
const methods = new Set(['get', 'post', 'put', 'patch', 'delete', 'head', 'options'])

const problemSchema = {
  type: 'object',
  description: 'What went wrong, as RFC 9457 writes it.',
  required: ['type', 'title', 'status', 'detail', 'code', 'requestId', 'retryable'],
  properties: {
    type: { type: 'string', examples: ['urn:santaclaude:problem:not_found'] },
    title: { type: 'string' },
    status: { type: 'integer', examples: [404] },
    detail: { type: 'string' },
    code: { type: 'string', enum: Object.keys(faults) },
    requestId: { type: 'string' },
    retryable: { type: 'boolean', description: 'Whether the same request may succeed later.' },
    errors: {
      type: 'array',
      items: {
        type: 'object',
        required: ['path', 'message'],
        properties: { path: { type: 'string' }, message: { type: 'string' } },
      },
    },
  },
}

const phrases: Record<string, string> = {
  200: 'OK',
  201: 'Created',
  202: 'Accepted',
  204: 'No content',
  207: 'Several outcomes',
}

/**
 * The app's OpenAPI 3.1 document. `@elysiajs/openapi` reads the routes; what it gets wrong is mended here: responses
 * without a description, bodies declared in three media types, `ws` operations, leaked `$id`s.
 */
export async function openapiOf(
  app: AnyElysia,
  { title, version, description }: { title: string; version: string; description?: string },
): Promise<Json> {
  const { toOpenAPISchema } = await import('@elysiajs/openapi/openapi')
  const { paths, components } = toOpenAPISchema(
    app,
    { paths: [/^\/swagger/, '/'] },
    undefined,
    undefined,
    '3.1.0' as never,
  ) as {
    paths: Record<string, Record<string, Operation>>
    components: { schemas: Record<string, Json> }
  }
  const stated = new Map(
    app.routes.map((route) => {
      const { body, detail } = route.hooks as { body?: unknown; detail?: { parameters?: Json[] } }
      return [
        `${route.method.toLowerCase()} ${route.path.replace(/:(\w+)\??/g, '{$1}')}`,
        { body: bodySchema(body), parameters: detail?.parameters ?? [] },
      ]
    }),
  )
  const tidyPaths = Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations)
          .filter(([method]) => methods.has(method))
          .map(([method, operation]) => [
            method,
            tidyOperation(operation, { path, ...stated.get(`${method} ${path}`) }),
          ]),
      ),
    ]),
  )
  const document = {
    openapi: '3.1.0',
    info: { title, version, ...(description === undefined ? {} : { description }) },
    servers: [{ url: '/' }],
    tags: [
      ...new Set(Object.values(tidyPaths).flatMap((path) => Object.values(path).flatMap((op) => op.tags ?? []))),
    ].map((name) => ({ name })),
    paths: tidyPaths,
    components: {
      schemas: { ...components.schemas, Problem: problemSchema },
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'An API key, `sc_<id>_<secret>`. The header x-api-key works too.',
        },
      },
    },
  }
  return tidySchema(document) as Json
}

/** A route's body schema as the document refers to it. */
function bodySchema(body: unknown): Json | undefined {
  if (typeof body === 'string') return { $ref: `#/components/schemas/${body}` }
  return body === undefined ? undefined : (JSON.parse(JSON.stringify(body)) as Json)
}

interface Stated {
  path: string
  body?: Json | undefined
  /** Headers that a route reads itself: the generator knows only what has a schema. */
  parameters?: Json[]
}

function tidyOperation(operation: Operation, { path, body, parameters = [] }: Stated): Operation {
  const scope = operation.security?.[0]?.key?.[0]
  const responses = Object.fromEntries(
    Object.entries(operation.responses ?? {}).map(([status, response]) => [status, tidyResponse(status, response)]),
  )
  return {
    ...operation,
    ...(parameters.length > 0
      ? { parameters: [...((operation.parameters as Json[] | undefined) ?? []), ...parameters] }
      : {}),
    ...(body ? { requestBody: tidyBody(operation.requestBody as Json | undefined, body) } : {}),
    tags: operation.tags?.length
      ? operation.tags
      : [path.startsWith('/v1/') ? (path.split('/')[2] as string) : 'service'],
    responses: {
      ...(Object.keys(responses).length ? responses : { 200: { description: 'OK' } }),
      ...(scope ? { default: problem } : {}),
    },
    ...(scope
      ? {
          security: [{ key: [] }],
          description:
            `${operation.description ?? ''}\n\n${scope === 'any' ? 'Needs a key.' : `Needs a key with the scope \`${scope}\`.`}`.trim(),
        }
      : {}),
  }
}

const problem = {
  description: 'A problem; see its code and detail.',
  content: { 'application/problem+json': { schema: problemRef } },
}

function tidyResponse(status: string, response: Json): Json {
  const description = response.description as string | undefined
  const { content, ...rest } = response
  const media = content as Record<string, Json | string> | undefined
  const isVoid = media === undefined || typeof media.type === 'string'
  return {
    ...rest,
    ...(isVoid ? {} : { content: media }),
    description:
      !description || description.startsWith('Response for status') ? (phrases[status] ?? 'Answer') : description,
  }
}

/** The generator declares a body in three media types or, beside our own parser, in none; routes that list theirs keep them. */
function tidyBody(given: Json | undefined, schema: Json): Json {
  const content = (given?.content ?? {}) as Record<string, Json>
  const isGuess = Object.keys(content).length === 0 || 'multipart/form-data' in content
  return { required: true, ...given, content: isGuess ? { 'application/json': { schema } } : content }
}

/** Query values arrive as text; the document names the type they stand for. */
function plainUnion(schema: Json): Json {
  const { nullable, ...typed } = schema
  const { anyOf, ...rest } = typeof nullable === 'boolean' ? typed : schema
  if (!Array.isArray(anyOf)) return typeof nullable === 'boolean' ? typed : schema
  const kinds = anyOf as Json[]
  const plain = kinds.find((kind) => kind.type === 'integer' || kind.type === 'boolean' || kind.type === 'number')
  const asText = kinds.find((kind) => kind.type === 'string' && kind.format === plain?.type)
  return plain && asText ? { ...rest, ...plain } : { ...rest, anyOf }
}

/** `t.Ref('Thing')` leaves the bare name of a model. */
const internalRef = (ref: unknown) =>
  typeof ref === 'string' && /^\w+$/.test(ref) ? `#/components/schemas/${ref}` : ref

/** A schema tree without the generator's leftovers: `$id`, `nullable`, text-or-number unions. */
function tidySchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(tidySchema)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(plainUnion(value as Json))
      .filter(([key, inner]) => !(key === '$id' && typeof inner === 'string'))
      .map(([key, inner]) => [key, key === '$ref' ? internalRef(inner) : tidySchema(inner)]),
  )
}
