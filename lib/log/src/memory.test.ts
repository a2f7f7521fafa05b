import { eventLogConformance } from './conformance.ts'
import { growthConformance } from './growth-conformance.ts'
import { insightConformance } from './insight-conformance.ts'
import { memoryLog } from './memory.ts'
import { repairConformance } from './repair-conformance.ts'

const open = async () => {
  const log = memoryLog()
  return { log, close: () => log.close() }
}

eventLogConformance('memory', open)
insightConformance('memory', open)
repairConformance('memory', open)
growthConformance('memory', open)
