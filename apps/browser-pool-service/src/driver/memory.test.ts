import { driverConformance } from './conformance.ts'
import { memoryDriver } from './memory.ts'

driverConformance('memory', memoryDriver)
