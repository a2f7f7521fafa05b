import { expect, test } from 'bun:test'
import { complaints } from './schema.ts'

test('the schemas see a wrong type, a bad quantity and a misspelt field', () => {
  const container = {
    name: 'a',
    image: 'b',
    readinesProbe: {},
    ports: [{ name: 'http', containerPort: '8001' }],
    resources: { limits: { memory: '12 apples' } },
  }
  const spec = { selector: { matchLabels: { app: 'a' } }, template: { spec: { containers: [container] } } }
  const found = complaints({ apiVersion: 'apps/v1', kind: 'Deployment', metadata: { lables: {} }, spec } as never)
  const at = '/spec/template/spec/containers/0'
  expect(found).toContain('/metadata/lables unknown field')
  expect(found).toContain(`${at}/readinesProbe unknown field`)
  expect(found).toContain(`${at}/ports/0/containerPort type`)
  expect(found).toContain(`${at}/resources/limits/memory format`)
})
