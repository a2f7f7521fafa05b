import { chassis } from '@santaclaude/service/chassis'
import { Fault } from '@santaclaude/service/faults'
import { idempotencyInMemory } from '@santaclaude/service/idempotency-memory'
import type { Keys } from '@santaclaude/service/keys'
import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import { eventStream } from '@santaclaude/service/stream'
import { Elysia } from 'elysia'

const Thing = t.Object({ id: t.String(), from: t.String(), tenant: t.String() })

/** A service of the house for tests, small but with the real chassis; `parts` break by being changed. */
export function neighbour({
  name,
  keys,
  parts,
}: {
  name: string
  keys: Keys
  parts: Record<string, { works: boolean }>
}) {
  const ready = Object.fromEntries(
    Object.entries(parts).map(([part, state]) => [
      part,
      async () => {
        if (!state.works) throw new Error('broken by the test')
      },
    ]),
  )
  return new Elysia().use(chassis({ name, keys, idempotency: idempotencyInMemory(), ready })).use(
    room('/v1/things')
      .get('/:id', ({ params, who }) => ({ id: params.id, from: name, tenant: who.tenant }), {
        scope: 'ai:invoke',
        params: t.Object({ id: t.String({ examples: ['one'] }) }),
        response: { 200: Thing },
        detail: { summary: 'Get a thing' },
      })
      .post('', ({ body, request }) => ({ body, headers: Object.fromEntries(request.headers) }), {
        scope: 'ai:invoke',
        body: t.Object({ name: t.String() }),
        detail: { summary: 'Make a thing' },
      })
      .get('/stream', () => eventStream(endless), { scope: 'ai:invoke', detail: { summary: 'Follow things' } })
      .get(
        '/page',
        () =>
          new Response('<script>alert(1)</script>', { headers: { 'content-type': 'text/html', 'set-cookie': 'a=b' } }),
        {
          scope: 'ai:invoke',
        },
      )
      .get('/long', () => new Response('x'.repeat(3_000)), { scope: 'ai:invoke' })
      .get(
        '/never',
        () => {
          throw new Fault('quota_exceeded', { detail: 'Too many things.' })
        },
        { scope: 'ai:invoke' },
      ),
  )
}

async function* endless(signal: AbortSignal) {
  yield { data: 'one' }
  await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
