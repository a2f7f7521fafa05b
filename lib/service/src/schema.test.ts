import { expect, test } from 'bun:test'
import { Elysia } from 'elysia'
import { oneOf, t } from './schema.ts'

const app = new Elysia({ normalize: false }).post('/', ({ body }) => body, {
  body: t.Object({ colour: oneOf(['red', 'blue']), size: t.Optional(oneOf(['s', 'm'])) }),
})
const post = (body: unknown) =>
  app.handle(
    new Request('http://localhost/', {
      method: 'POST',
      body: JSON.stringify(body),
      headers: { 'content-type': 'application/json' },
    }),
  )

test('one of a few texts is accepted, another is refused, and a missing one is not filled in', async () => {
  expect(await (await post({ colour: 'blue' })).json()).toEqual({ colour: 'blue' })
  expect((await post({ colour: 'green' })).status).toBe(422)
  expect((await post({})).status).toBe(422)
  expect((await post({ colour: 'red', size: 'xl' })).status).toBe(422)
})
