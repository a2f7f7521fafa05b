import { eventLogConformance } from './conformance.ts'
import { memoryLog } from './memory.ts'

eventLogConformance('memory', async () => {
  const log = memoryLog()
  return { log, close: () => log.close() }
})
