import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import { Elysia } from 'elysia'
import { isPlatformTopic, platformTopics } from '../platform.ts'
import type { Ports, QueuePorts } from '../ports.ts'
import { asyncApi, type DescribedTopic, type DescribedType } from './document.ts'

const topicsMax = 500
const typesMax = 200
const title = 'message-queue-service'

const platform: DescribedTopic[] = platformTopics
  .filter((topic) => topic !== 'audit')
  .map((topic) => ({ topic, isOpen: false, prefix: topic, schema: 'off' }))

/** How the caller reached the service. */
function addressOf(request: Request): { host: string; protocol: 'http' | 'https' } {
  const isSecure = request.headers.get('x-forwarded-proto') === 'https' || request.url.startsWith('https:')
  return { host: request.headers.get('host') ?? new URL(request.url).host, protocol: isSecure ? 'https' : 'http' }
}

/** The tenant's own document: the platform's topics, its own, and the types that have a schema. */
export async function tenantDocument(
  { log, schemas, host }: Pick<Ports, 'log' | 'schemas' | 'host'>,
  request: Request,
  tenant: string,
) {
  const own = (await log.topics(tenant)).filter(({ topic }) => !isPlatformTopic(topic))
  const entries = await schemas.store.types(tenant)
  const types: DescribedType[] = []
  for (const { type, latest: version } of entries.slice(0, typesMax)) {
    const schema = await schemas.store.version(tenant, type, version)
    if (schema !== undefined) types.push({ type, version, schema })
  }
  const shown = own.slice(0, topicsMax).map(({ topic, schema }): DescribedTopic => ({ topic, isOpen: true, schema }))
  const left = [
    ...(own.length > topicsMax ? [`${own.length - topicsMax} topics`] : []),
    ...(entries.length > typesMax ? [`${entries.length - typesMax} types`] : []),
  ]
  const description = `The topics of tenant ${tenant}, as they are now.${left.length > 0 ? ` Not shown: ${left.join(', ')}.` : ''}`
  return asyncApi({
    ...{ title, description, version: host.version, topics: [...platform, ...shown], types },
    ...addressOf(request),
  })
}

/** AsyncAPI documents: of the caller's tenant, and, without a key, of the topics that every tenant has. */
export const documents = (ports: QueuePorts & Pick<Ports, 'host'>) =>
  new Elysia({ name: 'asyncapi' })
    .get(
      '/asyncapi.json',
      ({ request }) =>
        asyncApi({
          ...{ title, version: ports.host.version, topics: platform, types: [], ...addressOf(request) },
          description: 'The topics that every tenant has. With a key, /v1/asyncapi.json describes the tenant’s own.',
        }),
      { detail: { hide: true } },
    )
    .use(
      room('/v1/asyncapi.json').get('', ({ request, who: { tenant } }) => tenantDocument(ports, request, tenant), {
        scope: 'events:consume',
        response: { 200: t.Object({ asyncapi: t.Literal('3.0.0') }, { additionalProperties: true }) },
        detail: {
          summary: 'Describe the tenant’s topics as AsyncAPI',
          description:
            'An AsyncAPI 3.0 document made from the topics and schemas as they are now. Without a key, `/asyncapi.json` describes the topics that every tenant has.',
        },
      }),
    )
