import type { Target } from './cases.ts'

/** A service's document as it is committed: indented, with the version of the release rather than of the process. */
export async function openapiText(target: Target): Promise<string> {
  const document = (await (await target.send('/swagger/json')).json()) as { info: { version: string } }
  const about = (await Bun.file(new URL('../../package.json', import.meta.url)).json()) as { version: string }
  document.info.version = about.version
  return `${JSON.stringify(document, null, 2)}\n`
}
