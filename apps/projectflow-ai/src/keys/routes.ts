import { scopes } from '@santaclaude/service/keys'
import { room } from '@santaclaude/service/room'
import { oneOf, queryInteger, t } from '@santaclaude/service/schema'
import { issue } from './issue.ts'
import type { KeyPorts } from './ports.ts'
import { keyStates } from './public-key.ts'
import { getKey, listKeys } from './read.ts'
import { revoke } from './revoke.ts'
import { rotate } from './rotate.ts'

const dayMs = 86_400_000
const time = (description: string) =>
  t.String({ format: 'date-time', description, examples: ['2030-01-01T00:00:00.000Z'] })
const keyId = t.String({
  pattern: '^[0-9A-Za-z]{12}$',
  description: 'The middle part of the key text.',
  examples: ['4fJ0sVq9XaZb'],
})
const params = t.Object({ id: keyId })
const name = t.String({ minLength: 1, maxLength: 100, pattern: '^[^\\u0000-\\u001f\\u007f]+$', examples: ['ci'] })
const tenant = t.String({
  pattern: '^(?!sc$)[a-z0-9][a-z0-9-]{0,62}$',
  description: 'Whose key it is. Only a caller with the scope internal may name another tenant than its own.',
  examples: ['acme'],
})
const limits = t.Object({
  requestsPerMinute: t.Optional(
    t.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description:
        'Each replica of each service holds the key to it; a quiet minute may be sent at once. Answers carry `RateLimit-*`; too many get 429 `rate_limited`. Absent = no limit of its own.',
    }),
  ),
})
const scopeList = t.Array(oneOf(scopes), {
  minItems: 1,
  maxItems: scopes.length,
  description: 'What the key may do. Each must be a scope the calling key holds itself.',
  examples: [['ai:invoke']],
})

const Key = t.Object(
  {
    id: keyId,
    tenant: t.String(),
    name: t.String(),
    scopes: t.Array(oneOf(scopes)),
    limits,
    state: oneOf(keyStates),
    createdAt: time('When it was made.'),
    expiresAt: t.Optional(time('From then on it is refused.')),
    revokedAt: t.Optional(time('When it was revoked.')),
    overlapEndsAt: t.Optional(time('Until then the secret before the last rotation works too.')),
  },
  { description: 'An API key. Its secret is never shown again after it was made.' },
)
const ShownKey = t.Object({
  key: t.Ref('Key'),
  secret: t.String({
    description: 'The text to send as Authorization: Bearer. Shown this once.',
    examples: ['sc_4fJ0sVq9XaZb_…'],
  }),
})
const KeyPage = t.Object({
  keys: t.Array(t.Ref('Key')),
  next: t.Optional(t.String({ description: 'Give it as after for the next page; absent on the last one.' })),
})
const KeyWish = t.Object({
  name,
  scopes: scopeList,
  tenant: t.Optional(tenant),
  expiresAt: t.Optional(time('Absent = it works until it is revoked.')),
  limits: t.Optional(limits),
})
const Rotation = t.Object(
  {
    overlapMs: t.Optional(
      t.Integer({
        minimum: 0,
        maximum: 30 * dayMs,
        default: dayMs,
        description: 'How long the old secret still works; a day unless said.',
      }),
    ),
  },
  { examples: [{ overlapMs: 3_600_000 }] },
)

const scope = 'keys:admin'
const noStore = { 'cache-control': 'no-store' }

/** API keys: made, listed, rotated, revoked. Every act is recorded and told on the topic `projectflow`. */
export const keys = (ports: KeyPorts) =>
  room('/v1/keys')
    .model({ Key, ShownKey, KeyPage, KeyWish })
    .post(
      '',
      async ({ body, who, caller, set, status }) => {
        Object.assign(set.headers, noStore)
        return status(201, await issue(ports, { who, scopes: caller.scopes }, body))
      },
      {
        scope,
        idempotent: true,
        body: 'KeyWish',
        response: { 201: 'ShownKey' },
        detail: {
          summary: 'Make a key',
          description: 'The answer shows the secret, this once. A key can only hand out scopes it holds itself.',
        },
      },
    )
    .get('', ({ query: { state, limit = 100, after }, who }) => listKeys(ports, who.tenant, { state, limit, after }), {
      scope,
      query: t.Object({
        state: t.Optional(oneOf(keyStates, { description: 'Only keys in this state.' })),
        limit: t.Optional(queryInteger({ minimum: 1, maximum: 1000, description: 'Keys a page; 100 unless said.' })),
        after: t.Optional(t.String({ maxLength: 64, description: 'The next of the page before.' })),
      }),
      response: { 200: 'KeyPage' },
      detail: { summary: 'List keys', description: 'Newest first, never with a secret.' },
    })
    .get('/:id', ({ params, who }) => getKey(ports, who.tenant, params.id), {
      scope,
      params,
      response: { 200: 'Key' },
      detail: { summary: 'Get a key' },
    })
    .post(
      '/:id/rotate',
      ({ params, body, who, caller, set }) => {
        Object.assign(set.headers, noStore)
        const overlapMs = body?.overlapMs ?? dayMs
        return rotate(ports, { who, scopes: caller.scopes }, { id: params.id, overlapMs })
      },
      {
        scope,
        idempotent: true,
        params,
        body: t.Optional(Rotation),
        response: { 200: 'ShownKey' },
        detail: {
          summary: 'Give a key a new secret',
          description: 'The old secret works until the overlap ends, so that callers can be changed one by one.',
        },
      },
    )
    .delete('/:id', ({ params, who, caller }) => revoke(ports, { who, scopes: caller.scopes }, params.id), {
      scope,
      params,
      response: { 200: 'Key' },
      detail: {
        summary: 'Revoke a key',
        description: 'For good, and everywhere within 10 s. A revoked key stays listed.',
      },
    })
