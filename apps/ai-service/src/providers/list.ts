import type { Catalogue } from '../models/catalogue.ts'
import type { Health } from './health.ts'

/** Every provider with its state. */
export function listProviders({ catalogue, health }: { catalogue: Catalogue; health: Health }) {
  const active = catalogue.providers.find((provider) => provider.isReady())
  return {
    providers: catalogue.providers.map((provider) => ({
      id: provider.id,
      kind: provider.kind,
      hasKey: provider.hasKey(),
      isReady: provider.isReady(),
      isDefault: provider === active,
      defaultModel: provider.defaultModel,
      baseUrl: provider.baseUrl,
      remedy: provider.isReady() ? null : provider.remedy,
      ...health.of(provider.id),
    })),
  }
}
