import { Fault } from '@santaclaude/service/faults'
import type { Provider, ProviderModel } from '../providers/port.ts'

export interface CatalogueOptions {
  /** The order decides who answers a call without a model: the first that is ready. */
  providers: readonly Provider[]
  /** The model of calls that name none; absent = the first ready provider's own. */
  defaultModel?: string | undefined
}

export interface CataloguedModel extends ProviderModel {
  provider: string
}

/** A model found: who has it, under which name. */
export interface Found {
  provider: Provider
  model: string
}

/** Which provider answers for which model. */
export class Catalogue {
  readonly providers: readonly Provider[]
  private readonly namedDefault: string | undefined

  constructor({ providers, defaultModel }: CatalogueOptions) {
    this.providers = providers
    this.namedDefault = defaultModel
  }

  /** The provider that answers a call without a model. */
  get active(): Provider {
    const first = this.providers.find((provider) => provider.isReady())
    if (!first) throw new Fault('model_not_found', { detail: 'No model provider is ready.' })
    return first
  }

  /** Every model of every ready provider. One that cannot be asked now is left out. */
  async list(signal: AbortSignal): Promise<CataloguedModel[]> {
    const ready = this.providers.filter((provider) => provider.isReady())
    const lists = await Promise.all(ready.map((provider) => modelsOf(provider, signal)))
    return lists.flat()
  }

  /**
   * Who answers for a model: the provider that lists it, or claims its name, or is named before a slash
   * (`anthropic/claude-sonnet-5-5`). A model nobody ready has is never answered by another one.
   * Faults: model_not_found, with what would make it available.
   */
  async find(wanted: string | undefined, signal: AbortSignal): Promise<Found> {
    const name = wanted ?? this.namedDefault
    if (name === undefined) return { provider: this.active, model: this.active.defaultModel }
    const claiming = this.providers.filter((provider) => provider.claims(name))
    const claimed = claiming.find((provider) => provider.isReady())
    if (claimed) return { provider: claimed, model: name }
    const listed = (await this.list(signal)).find(({ id }) => id === name)
    const lister = this.providers.find(({ id }) => id === listed?.provider)
    if (lister) return { provider: lister, model: name }
    return this.bySlash(name) ?? this.absent(name, claiming[0])
  }

  private bySlash(name: string): Found | undefined {
    const slash = name.indexOf('/')
    const provider = this.providers.find(({ id }) => id === name.slice(0, slash))
    if (slash < 1 || !provider) return undefined
    return provider.isReady() ? { provider, model: name.slice(slash + 1) } : this.absent(name, provider)
  }

  private absent(name: string, owner: Provider | undefined): never {
    const way = owner ? `It belongs to ${owner.id}, which has no key: ${owner.remedy}.` : ''
    throw new Fault('model_not_found', { detail: `There is no model ${quoted(name)} here. ${way}`.trim() })
  }
}

const quoted = (name: string) => JSON.stringify(name.slice(0, 100))

async function modelsOf(provider: Provider, signal: AbortSignal): Promise<CataloguedModel[]> {
  try {
    return (await provider.models(signal)).map((model) => ({ ...model, provider: provider.id }))
  } catch {
    return []
  }
}
