import { expect, test } from 'bun:test'
import spec from '@asyncapi/specs/schemas/3.0.0-without-$id.json' with { type: 'json' }
import { Ajv } from 'ajv'
import { startApp } from '../app.fixture.ts'

/** What AsyncAPI's own JSON Schema says against a document. */
function complaints(document: unknown) {
  const ajv = new Ajv({ strict: false, validateFormats: false, logger: false })
  const validate = ajv.compile(spec)
  return validate(document) ? [] : validate.errors
}

test('the document of a tenant is valid AsyncAPI and follows its topics and schemas', async () => {
  const { ask, keyOf } = await startApp()
  await ask('PUT', '/v1/topics/orders', { body: { schema: 'enforce' } })
  await ask('PUT', '/v1/topics/notes', { body: {} })
  const schema = { $defs: { id: { type: 'integer' } }, properties: { order: { $ref: '#/$defs/id' } } }
  await ask('PUT', '/v1/schemas/shop.order~placed', { body: { schema } })
  const { status, body } = await ask('GET', '/v1/asyncapi.json')
  expect(status).toBe(200)
  expect(complaints(body)).toEqual([])
  expect(Object.keys(body.channels).sort()).toEqual(['ai', 'browser', 'mq', 'notes', 'orders', 'projectflow'])
  expect(Object.keys(body.channels.orders.messages)).toEqual(['event', 'type.shop.order_7e_placed'])
  expect(JSON.stringify(body.components.messages)).toContain('"data":{"properties":{"order":{"type":"integer"}}}')
  expect(body.operations['publish.orders']).toMatchObject({ action: 'receive' })
  expect(body.operations['publish.ai']).toBeUndefined()
  await ask('DELETE', '/v1/topics/notes')
  expect((await ask('GET', '/v1/asyncapi.json')).body.channels.notes).toBeUndefined()
  const other = await keyOf(['events:consume'], 'other')
  expect((await ask('GET', '/v1/asyncapi.json', { key: other })).body.channels.orders).toBeUndefined()
})

test('without a key there is the document of what every tenant has, and nothing of any tenant', async () => {
  const { ask, fetch } = await startApp()
  await ask('PUT', '/v1/topics/secret-plans', { body: {} })
  const response = await fetch(new Request('http://localhost/asyncapi.json'))
  const text = await response.text()
  expect(response.status).toBe(200)
  expect(complaints(JSON.parse(text))).toEqual([])
  expect(text).not.toContain('secret-plans')
  expect((await fetch(new Request('http://localhost/v1/asyncapi.json'))).status).toBe(401)
})
