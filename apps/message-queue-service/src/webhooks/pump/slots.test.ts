import { expect, test } from 'bun:test'
import { Slots } from './slots.ts'

const soon = { waitMs: 5 }

test('a tenant that takes all it can leaves room for the others', async () => {
  const slots = new Slots(8)
  const first = await Promise.allSettled(Array.from({ length: 8 }, () => slots.acquire('a', soon)))
  expect(first.filter(({ status }) => status === 'fulfilled')).toHaveLength(2)
  const others = await Promise.all(['b', 'b', 'c', 'c', 'd', 'd'].map((tenant) => slots.acquire(tenant, soon)))
  await expect(slots.acquire('e', soon)).rejects.toThrow('no permit')
  others[0]?.()
  expect(await slots.acquire('e', soon)).toBeFunction()
})

test('a place given back goes to whoever waits', async () => {
  const slots = new Slots(1)
  const give = await slots.acquire('a', soon)
  const waiting = slots.acquire('b', { waitMs: 60_000 })
  give()
  expect(await waiting).toBeFunction()
})
