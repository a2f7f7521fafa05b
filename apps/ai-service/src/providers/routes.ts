import { room } from '@santaclaude/service/room'
import { oneOf, t } from '@santaclaude/service/schema'
import type { Catalogue } from '../models/catalogue.ts'
import type { Health } from './health.ts'
import { listProviders } from './list.ts'

const atMs = (description: string) => t.Union([t.Integer(), t.Null()], { description })

const Provider = t.Object(
  {
    id: t.String(),
    kind: oneOf(['openai', 'anthropic', 'offline'], { description: 'The protocol spoken upstream.' }),
    hasKey: t.Boolean(),
    isReady: t.Boolean({ description: 'Whether calls may go to it.' }),
    isDefault: t.Boolean({ description: 'Whether it answers calls that name no model.' }),
    defaultModel: t.String(),
    baseUrl: t.Union([t.String(), t.Null()]),
    remedy: t.Union([t.String(), t.Null()], { description: 'What would make it ready.' }),
    lastOkAtMs: atMs('When this replica last had an answer from it, Unix milliseconds.'),
    lastErrorAtMs: atMs('When a call last failed, Unix milliseconds.'),
    lastErrorKind: t.Union([t.String(), t.Null()], { description: 'Why, in one word.' }),
    latencyMs: t.Union([t.Number(), t.Null()], { description: 'Moving average until a call is accepted.' }),
  },
  {
    examples: [
      {
        id: 'offline',
        kind: 'offline',
        hasKey: false,
        isReady: true,
        isDefault: true,
        defaultModel: 'offline',
        baseUrl: null,
        remedy: null,
        lastOkAtMs: null,
        lastErrorAtMs: null,
        lastErrorKind: null,
        latencyMs: null,
      },
    ],
  },
)

/** Who can be asked, and how they have been doing. */
export const providers = (ports: { catalogue: Catalogue; health: Health }) =>
  room('/v1/providers')
    .model({ Provider })
    .get('', () => listProviders(ports), {
      scope: 'ai:invoke',
      response: { 200: t.Object({ providers: t.Array(Provider) }) },
      detail: {
        summary: 'List the model providers with their state',
        description: 'The state is what this replica has seen since it started. Keys are never shown.',
      },
    })
