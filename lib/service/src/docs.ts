import type { AnyElysia } from 'elysia'
import { faults } from './faults.ts'

type Json = Record<string, unknown>
type Operation = Json & { responses?: Record<string, Json>; security?: unknown; tags?: string[]; operationId?: string }

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
  const scopesByRoute = new Map(
    app.routes.map((route) => [
      `${route.method.toLowerCase()} ${route.path.replace(/:(\w+)\??/g, '{$1}')}`,
      (route.hooks as { scope?: string }).scope,
    ]),
  )
  const tidyPaths = Object.fromEntries(
    Object.entries(paths).map(([path, operations]) => [
      path,
      Object.fromEntries(
        Object.entries(operations)
          .filter(([method]) => methods.has(method))
          .map(([method, operation]) => [
            method,
            tidyOperation(operation, { path, scope: scopesByRoute.get(`${method} ${path}`) }),
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
          description: 'An API key, sc_<id>_<secret>. The header x-api-key works too.',
        },
      },
    },
  }
  return withoutIds(document) as Json
}

function tidyOperation(operation: Operation, { path, scope }: { path: string; scope: string | undefined }): Operation {
  const responses = Object.fromEntries(
    Object.entries(operation.responses ?? {}).map(([status, response]) => [
      status,
      { ...jsonOnly(response), description: (response.description as string) || phrases[status] || 'Answer' },
    ]),
  )
  const problem = {
    description: 'A problem; see its code and detail.',
    content: { 'application/problem+json': { schema: problemRef } },
  }
  const body = operation.requestBody as Json | undefined
  return {
    ...operation,
    ...(body ? { requestBody: jsonOnly(body) } : {}),
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
          description: `${operation.description ?? ''}\n\nNeeds a key with the scope \`${scope}\`.`.trim(),
        }
      : {}),
  }
}

/** Keeps the JSON form of a body that the generator declared in several media types at once. */
function jsonOnly(holder: Json): Json {
  const content = holder.content as Record<string, Json> | undefined
  if (!content?.['application/json'] || !('multipart/form-data' in content)) return holder
  return { ...holder, content: { 'application/json': content['application/json'] } }
}

function withoutIds(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIds)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, inner]) => !(key === '$id' && typeof inner === 'string'))
      .map(([key, inner]) => [key, withoutIds(inner)]),
  )
}
