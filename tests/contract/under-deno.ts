/**
 * Runs the contract cases under Deno against every app in-process, and prints one JSON line per case. Started by
 * `deno.test.ts`; uses nothing that only Bun has.
 */
import { contractCases, type OpenApiDocument } from './cases.ts'
import { inProcess, serviceNames } from './in-process.ts'

for (const service of serviceNames()) {
  const target = await inProcess(service)
  const document = (await (await target.send('/swagger/json')).json()) as OpenApiDocument
  for (const { name, run } of contractCases(target, document)) {
    const failure = await run().then(
      () => null,
      (error) => String(error),
    )
    console.log(JSON.stringify({ name, failure }))
  }
}
process.exit()
