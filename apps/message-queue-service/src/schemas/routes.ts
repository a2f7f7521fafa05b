import { room } from '@santaclaude/service/room'
import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import type { QueuePorts } from '../ports.ts'
import { checkSchema, putSchema } from './put.ts'
import { deleteSchema, getSchema, listSchemas } from './read.ts'

const type = t.String({ minLength: 1, maxLength: 256, pattern: '^[^\\s/]+$', examples: ['shop.order.placed'] })
const params = t.Object({ type })
const compatibility = oneOf(['none', 'backward', 'forward', 'full'], {
  description:
    'What a new version must keep to: `backward` reads what the old one wrote, `forward` is read by the old one, `full` both; `backward` unless said.',
})
const sample = { type: 'object', required: ['order'], properties: { order: { type: 'integer' } } }
const schema = t.Any({ description: 'JSON Schema, draft 2020-12: an object or a boolean.', examples: [sample] })
const version = t.Integer({ description: '1 = the first.' })
const entry = { type, version, compatibility, changedAt: t.String({ format: 'date-time' }) }

const SchemaWish = t.Object(
  { schema, compatibility: t.Optional(compatibility) },
  { examples: [{ schema: sample, compatibility: 'backward' }] },
)
const SchemaEntry = t.Object(entry)
const EventSchema = t.Object(
  { ...entry, schema, latest: t.Optional(version) },
  { description: 'One version of the schema of an event type’s data.' },
)
const SchemaList = t.Object({
  types: t.Array(t.Ref('SchemaEntry')),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})
const SchemaVerdict = t.Object({
  compatible: t.Boolean(),
  compatibility,
  against: t.Union([version, t.Null()], { description: 'The version it was compared with; null = there is none.' }),
  conflicts: t.Array(
    t.Object({ path: t.String({ description: 'A JSON pointer into the schema.' }), message: t.String() }),
  ),
})

/** The schema registry: what the data of an event type must look like. */
export const schemas = (ports: QueuePorts) =>
  room('/v1/schemas')
    .model({ SchemaWish, SchemaEntry, EventSchema, SchemaList, SchemaVerdict })
    .get(
      '',
      ({ query: { limit = 100, after }, who: { tenant } }) =>
        listSchemas(ports.schemas.store, { tenant, limit, after }),
      {
        scope: 'events:consume',
        query: t.Object({
          limit: t.Optional(
            queryInteger({ minimum: 1, maximum: 1_000, description: 'Types a page; 100 unless said.' }),
          ),
          after: t.Optional(t.String({ maxLength: 256, description: 'The next of the page before.' })),
        }),
        response: { 200: 'SchemaList' },
        detail: { summary: 'List event types that have a schema', description: 'By name.' },
      },
    )
    .put(
      '/:type',
      async ({ params: { type }, body, who, status }) => {
        const { isNew, view } = await putSchema(ports, who, { type, wish: body })
        return isNew ? status(201, view) : status(200, view)
      },
      {
        scope: 'events:admin',
        params,
        body: 'SchemaWish',
        response: { 200: 'EventSchema', 201: 'EventSchema' },
        detail: {
          summary: 'Register a version of an event type’s schema',
          description:
            'It holds at once on the replica that answers and within 2 s on the others, for topics whose `schema` is `warn` or `enforce`. The same schema again adds no version. 409 `conflict` names where it does not keep to the compatibility. Bounds: 64 KiB, references only `#/…` and not in circles, patterns as RE2 has them, `uniqueItems` only beside `maxItems` ≤ 1000; `format` is an annotation.',
        },
      },
    )
    .get('/:type', ({ params: { type }, who: { tenant } }) => getSchema(ports.schemas.store, { tenant, type }), {
      scope: 'events:consume',
      params,
      response: { 200: 'EventSchema' },
      detail: { summary: 'Read the schema of an event type' },
    })
    .get(
      '/:type/versions/:version',
      ({ params: { type, version }, who: { tenant } }) => getSchema(ports.schemas.store, { tenant, type, version }),
      {
        scope: 'events:consume',
        params: t.Object({ type, version: queryInteger({ minimum: 1 }) }),
        response: { 200: 'EventSchema' },
        detail: { summary: 'Read one version of a schema', description: 'From 1 to `latest`.' },
      },
    )
    .post(
      '/:type/check',
      ({ params: { type }, body, who: { tenant } }) => checkSchema(ports, { tenant, type, wish: body }),
      {
        scope: 'events:consume',
        params,
        body: 'SchemaWish',
        response: { 200: 'SchemaVerdict' },
        detail: {
          summary: 'Compare a schema with the one that holds',
          description:
            'Keeps nothing. One side reads what the other writes when it takes every type, value and bound, requires nothing more, and the same holds for every property and item; a property that the writer does not name counts as not sent. `pattern`, `anyOf` and the like must be the same on both sides or absent in the reader. What cannot be shown this way is a conflict.',
        },
      },
    )
    .delete(
      '/:type',
      async ({ params: { type }, who, status }) => {
        await deleteSchema(ports, who, type)
        return status(204, undefined)
      },
      {
        scope: 'events:admin',
        params,
        detail: {
          summary: 'Delete the schema of an event type',
          description: 'With all versions; its events are not checked any more.',
        },
      },
    )
