import { hookStoreConformance } from './conformance.ts'
import { hookStoreInMemory } from './memory.ts'

hookStoreConformance('memory', async () => ({ store: hookStoreInMemory(), close: async () => {} }))
