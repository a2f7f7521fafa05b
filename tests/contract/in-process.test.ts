import { test } from 'bun:test'
import { contractCases, type OpenApiDocument } from './cases.ts'
import { inProcess, serviceNames } from './in-process.ts'

for (const name of serviceNames()) {
  const target = await inProcess(name)
  const document = (await (await target.send('/swagger/json')).json()) as OpenApiDocument
  for (const { name: promise, run } of contractCases(target, document)) test(promise, run)
}
