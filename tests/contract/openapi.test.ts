import { describe, expect, test } from 'bun:test'
import { Validator } from '@seriousme/openapi-schema-validator'
import { inProcess, serviceNames } from './in-process.ts'
import { openapiText } from './openapi-text.ts'

for (const name of serviceNames())
  describe(name, () => {
    test('the committed openapi.json is what the app answers', async () => {
      const committed = await Bun.file(new URL(`../../apps/${name}/openapi.json`, import.meta.url)).text()
      expect(committed === (await openapiText(await inProcess(name))) || 'run `bun run openapi`').toBe(true)
    })

    test('the document is valid OpenAPI 3.1', async () => {
      const { valid, errors } = await new Validator().validate(JSON.parse(await openapiText(await inProcess(name))))
      expect({ valid, errors }).toEqual({ valid: true, errors: undefined })
    })
  })
