/** Writes each app's `openapi.json` from the running app: `bun run openapi`. `openapi.test.ts` fails when one is stale. */
import { inProcess, serviceNames } from './in-process.ts'
import { openapiText } from './openapi-text.ts'

for (const name of serviceNames()) {
  await Bun.write(new URL(`../../apps/${name}/openapi.json`, import.meta.url), await openapiText(await inProcess(name)))
  console.log(`apps/${name}/openapi.json`)
}
process.exit()
