import { chassis } from '@santaclaude/service/chassis'
import { quietHost } from '@santaclaude/service/host'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import { hashSecret } from '@santaclaude/service/keys'
import { keysInMemory } from '@santaclaude/service/keys-memory'
import { logger } from '@santaclaude/service/log'
import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import { Elysia } from 'elysia'

/** The same route behind the whole chassis: key, scope, ids, trace, metrics, a log line that is really written. */
const keys = keysInMemory()
const hash = hashSecret('test-pepper', 'b'.repeat(32))
await keys.put({
  id: 'a'.repeat(12),
  tenant: 'acme',
  name: 'bench',
  scopes: ['projects:use'],
  limits: {},
  secrets: [{ hash }],
  createdAtMs: 0,
})
const host = quietHost('bench-service')
const null_ = Bun.file('/dev/null').writer()
host.log = logger({ service: 'bench-service', level: 'info', write: (lines) => void null_.write(lines) })
const app = new Elysia()
  .use(chassis({ name: 'bench-service', host, keys, idempotency: idempotencyInMemory(), ready: {} }))
  .use(
    room('/v1/things').get('/:id', ({ params }) => ({ id: params.id, kind: 'thing' }), {
      scope: 'projects:use',
      response: t.Object({ id: t.String(), kind: t.String() }),
    }),
  )
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => app.fetch(request) })
console.log(JSON.stringify({ port: server.port }))
