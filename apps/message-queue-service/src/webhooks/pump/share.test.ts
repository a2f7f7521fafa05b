import { expect, test } from 'bun:test'
import { preferred } from './share.ts'

const subscriptions = Array.from({ length: 3_000 }, (_, n) => ({ tenant: 't', id: `s${n}` }))
const owners = (replicas: string[]) => subscriptions.map((one) => preferred(replicas, one))

test('every replica comes to the same answer, in whatever order it knows the others', () => {
  expect(owners(['c', 'a', 'b'])).toEqual(owners(['a', 'b', 'c']))
})

test('each replica gets its share', () => {
  const counts = Object.values(Object.groupBy(owners(['a', 'b', 'c']), (owner) => owner ?? '')).map(
    (all) => all?.length,
  )
  for (const count of counts) expect(count).toBeWithin(850, 1_150)
})

test('when one goes, only its own subscriptions move', () => {
  const [before, after] = [owners(['a', 'b', 'c']), owners(['a', 'c'])]
  for (const [n, owner] of before.entries()) if (owner !== 'b') expect(after[n]).toBe(owner)
})

test('without a replica there is no owner', () => {
  expect(owners([])[0]).toBeUndefined()
})
