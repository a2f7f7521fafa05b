import { room } from '@santaclaude/service/room'
import { t } from '@santaclaude/service/schema'
import type { Catalogue } from './catalogue.ts'
import { listModels, oneModel } from './list.ts'

const Model = t.Object(
  {
    id: t.String(),
    object: t.Literal('model'),
    created: t.Integer({ description: 'Seconds since the Unix epoch; 0 = not said.' }),
    owned_by: t.String(),
    provider: t.String({ description: 'Who answers for it here.' }),
  },
  { examples: [{ id: 'offline', object: 'model', created: 0, owned_by: 'offline', provider: 'offline' }] },
)

/** The models that can be asked, as OpenAI lists them. */
export const models = ({ catalogue }: { catalogue: Catalogue }) =>
  room('/v1/models')
    .model({ Model, ModelList: t.Object({ object: t.Literal('list'), data: t.Array(Model) }) })
    .get('', ({ request }) => listModels(catalogue, request.signal), {
      scope: 'ai:invoke',
      response: { 200: 'ModelList' },
      detail: {
        summary: 'List the models',
        description: 'Of every provider that has a key. With no key at all, the offline model alone answers.',
      },
    })
    .get('/:id', ({ params, request }) => oneModel(catalogue, params.id, request.signal), {
      scope: 'ai:invoke',
      response: { 200: 'Model' },
      detail: { summary: 'Show one model', description: 'An unknown model is a 404 `model_not_found`.' },
    })
