import { within } from '@santaclaude/kit/deadline'
import { type AnyElysia, Elysia } from 'elysia'
import { openapiOf } from './docs.ts'
import { Fault } from './faults.ts'
import type { Host } from './host.ts'
import { pageHeaders, type SwaggerFile, swaggerFile, swaggerFiles, swaggerPage, swaggerStart } from './swagger.ts'

export interface KeylessOptions {
  name: string
  version: string
  description?: string
  ready: Record<string, () => Promise<unknown>>
  host: Host
  pages: boolean
}

const readyDeadlineMs = 2_000
const hidden = { detail: { hide: true } }

/** The routes that need no key: alive, ready, metrics, the document and its page. */
export function keyless(app: AnyElysia, options: KeylessOptions) {
  const { name, version, host } = options
  const ready = readiness(options)
  let document: Promise<unknown> | undefined
  const routes = new Elysia({ name: 'keyless' })
    .get('/health', () => ({ status: 'alive', service: name, version }), {
      detail: {
        tags: ['service'],
        summary: 'Whether the process is alive',
        description: 'Answers from the event loop alone and asks nothing else.',
      },
    })
    .get(
      '/ready',
      async () => {
        const { isReady, ...body } = await ready()
        return Response.json(body, { status: isReady ? 200 : 503, headers: { 'cache-control': 'no-store' } })
      },
      {
        detail: {
          tags: ['service'],
          summary: 'Whether requests can be served now',
          description:
            'Asks every part this service needs. 503 names the parts that failed, and is also answered while draining.',
          responses: { 200: { description: 'Ready.' }, 503: { description: 'Not ready; `failing` names the parts.' } },
        },
      },
    )
    .get(
      '/metrics',
      async () =>
        new Response(await host.metrics.text(), {
          headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' },
        }),
      {
        detail: { tags: ['service'], summary: 'Metrics in the Prometheus text format' },
      },
    )
    .get(
      '/swagger/json',
      async () => {
        document ??= openapiOf(app, {
          title: name,
          version,
          ...(options.description ? { description: options.description } : {}),
        })
        return Response.json(await document)
      },
      hidden,
    )
    .get(
      '/swagger/assets/:file',
      ({ params: { file } }) => {
        if (!(swaggerFiles as readonly string[]).includes(file)) throw new Fault('not_found')
        return swaggerFile(file as SwaggerFile)
      },
      hidden,
    )
  if (!options.pages) return routes
  return routes
    .get('/swagger', () => new Response(swaggerPage(name), { headers: pageHeaders }), hidden)
    .get(
      '/swagger/start.js',
      () =>
        new Response(swaggerStart([{ url: '/swagger/json', name }]), {
          headers: { 'content-type': 'text/javascript; charset=utf-8' },
        }),
      hidden,
    )
    .get('/', () => new Response(frontPage(options), { headers: pageHeaders }), hidden)
}

/** Asks every part at once, each with a deadline; askers that come together share one answer. */
function readiness({ ready, host }: KeylessOptions) {
  const ask = async () => {
    const checks = Object.fromEntries(
      await Promise.all(
        Object.entries(ready).map(async ([part, check]): Promise<[string, string]> => {
          try {
            await within(readyDeadlineMs, part, check())
            return [part, 'ok']
          } catch (error) {
            host.log.warn('not ready', { part, error })
            return [part, error instanceof Error && error.name === 'DeadlineError' ? 'no answer in time' : 'failed']
          }
        }),
      ),
    )
    const failing = Object.keys(checks).filter((part) => checks[part] !== 'ok')
    if (host.drain.isDraining) failing.push('draining')
    return { isReady: failing.length === 0, status: failing.length === 0 ? 'ready' : 'not ready', failing, checks }
  }
  let asking: ReturnType<typeof ask> | undefined
  return () => {
    asking ??= ask().finally(() => {
      asking = undefined
    })
    return asking
  }
}

const frontPage = ({ name, version, description = '' }: KeylessOptions) => `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${name}</title>
<style>:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}body{max-width:40rem;margin:3rem auto;padding:0 1rem}li{margin:.3rem 0}</style></head>
<body><main><h1>${name} <small>${version}</small></h1><p>${description}</p>
<ul><li><a href="/swagger">Explore the API</a></li><li><a href="/swagger/json">OpenAPI document</a></li><li><a href="/ready">Readiness</a></li><li><a href="/health">Liveness</a></li><li><a href="/metrics">Metrics</a></li></ul></main></body></html>
`
