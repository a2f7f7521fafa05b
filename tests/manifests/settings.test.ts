/** What ConfigMaps and compose.yaml tell the services, read by the services' own settings. */
import { describe, expect, test } from 'bun:test'
import { join } from 'node:path'
import { parse } from 'yaml'
import { type ConfigError, configure, houseSettings, type Setting } from '../../lib/service/src/config.ts'
import { exists, manifests, root, textOf } from '../walls/tree.ts'
import { objects, the } from './render.ts'

type Declared = Record<string, Setting<unknown>>
type Variables = Record<string, string>

const services = manifests()
  .filter(({ folder, manifest }) => manifest.service && exists(`${folder}/src/config.ts`))
  .map(({ folder }) => ({ name: folder.replace('apps/', ''), config: join(root, folder, 'src/config.ts') }))
const compose = parse(textOf('docker/compose.yaml'), { merge: true }) as {
  services: Record<string, { environment: Variables }>
}
const places: Record<string, (name: string) => Variables> = {
  'the ConfigMap': (name) => the(objects('prod'), 'ConfigMap', name).data ?? {},
  'compose.yaml': (name) =>
    Object.fromEntries(
      Object.entries(compose.services[name]?.environment ?? {}).map(([key, value]) => [
        key,
        value.replace(/^\$\{\w+:-(.*)\}$/, '$1'),
      ]),
    ),
}
const settingsOf = async (path: string): Promise<Declared> => {
  const { Config } = (await import(path)) as { Config: Declared }
  return { ...houseSettings, ...Config }
}
const missing = () => {
  throw Object.assign(new Error('no such file'), { code: 'ENOENT' })
}

for (const [place, variablesOf] of Object.entries(places))
  for (const { name, config } of services)
    describe(`${place} of ${name}`, () => {
      const variables = variablesOf(name)

      test('tells it nothing that it does not read', async () => {
        const read = Object.values(await settingsOf(config)).flatMap(({ variable, isSecret }) =>
          isSecret ? [variable, `${variable}_FILE`] : [variable],
        )
        expect(Object.keys(variables).filter((variable) => !read.includes(variable))).toEqual([])
      })

      test('suits it once the Secrets are made', async () => {
        const declared = await settingsOf(config)
        expect(() => configure(declared, variables, () => 'from a Secret')).not.toThrow()
      })

      test('without any Secret makes it name the missing pepper, and complain of nothing else', async () => {
        const declared = await settingsOf(config)
        const complaints = () => {
          try {
            configure(declared, variables, missing)
          } catch (error) {
            return (error as ConfigError).complaints
          }
        }
        expect(complaints()).toEqual([
          expect.stringContaining('KEY_PEPPER_FILE: is "/run/secrets/santaclaude-keys/pepper"'),
        ])
      })
    })
