import { Fault } from '@santaclaude/service/faults'
import type { Catalogue, CataloguedModel } from './catalogue.ts'

const wire = ({ id, created, ownedBy, provider }: CataloguedModel) => ({
  id,
  object: 'model' as const,
  created,
  owned_by: ownedBy,
  provider,
})

/** Every model that can be asked, in OpenAI's form. */
export async function listModels(catalogue: Catalogue, signal: AbortSignal) {
  return { object: 'list' as const, data: (await catalogue.list(signal)).map(wire) }
}

/** One of them. Faults: model_not_found. */
export async function oneModel(catalogue: Catalogue, id: string, signal: AbortSignal) {
  const model = (await catalogue.list(signal)).find((one) => one.id === id)
  if (!model)
    throw new Fault('model_not_found', { detail: `There is no model ${JSON.stringify(id.slice(0, 100))} here.` })
  return wire(model)
}
