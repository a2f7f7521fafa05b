import { expect, test } from 'bun:test'
import { startApp } from '../app.fixture.ts'

async function withOrders() {
  const app = await startApp()
  await app.ask('PUT', '/v1/topics/orders', { body: { partitions: 1 } })
  const events = Array.from({ length: 600 }, (_, n) => ({
    type: n % 3 === 0 ? 'shop.paid' : 'shop.placed',
    data: { n },
  }))
  await app.ask('POST', '/v1/topics/orders/events', { body: events })
  return {
    ...app,
    tryOut: (body: Record<string, unknown>) =>
      app.ask('POST', '/v1/filters/test', { body: { topic: 'orders', ...body } }),
  }
}

test('a filter is tried on history: counts, types, samples, and nothing is left behind', async () => {
  const { tryOut, ask } = await withOrders()
  const { status, body } = await tryOut({ filter: { types: ['shop.*'], where: 'data.n < 300' }, samples: 2 })
  expect(status).toBe(200)
  expect(body).toMatchObject({ examined: 600, matched: 300, stoppedBy: 'end' })
  expect(body.byType).toEqual([
    { type: 'shop.placed', count: 200 },
    { type: 'shop.paid', count: 100 },
  ])
  expect(body.samples.map(({ event }: { event: { data: unknown } }) => event.data)).toEqual([{ n: 0 }, { n: 1 }])
  expect((await ask('GET', '/v1/topics/orders/groups')).body.groups).toEqual([])
})

test('it stops where it was told to, and goes on from there', async () => {
  const { tryOut } = await withOrders()
  const first = (await tryOut({ filter: { types: ['shop.paid'] }, events: 550 })).body
  expect(first).toMatchObject({ examined: 550, matched: 184, stoppedBy: 'events' })
  const rest = (await tryOut({ filter: { types: ['shop.paid'] }, from: first.cursor })).body
  expect(rest).toMatchObject({ examined: 50, matched: 16, stoppedBy: 'end' })
})

test('a filter that cannot be read and a topic that is not there are refused', async () => {
  const { tryOut } = await withOrders()
  expect((await tryOut({ filter: { where: 'data.n >' } })).body).toMatchObject({ status: 400, code: 'invalid_filter' })
  expect((await tryOut({ topic: 'nowhere', filter: {} })).body.code).toBe('topic_not_found')
  expect((await tryOut({ filter: {}, events: 1_000_000 })).status).toBe(422)
})
