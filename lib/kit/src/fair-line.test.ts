import { expect, test } from 'bun:test'
import { FairLine } from './fair-line.ts'
import { Semaphore } from './semaphore.ts'

const drained = (line: FairLine<string>) => {
  const items: string[] = []
  for (let item = line.next(); item !== undefined; item = line.next()) items.push(item)
  return items
}

test('lanes take turns, and within a lane the order stays', () => {
  const line = new FairLine<string>()
  for (const item of ['a1', 'a2', 'a3', 'b1', 'c1', 'c2']) line.add(item.slice(0, 1), item)
  expect(line.length).toBe(6)
  expect(line.peek()).toBe('a1')
  expect(drained(line)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3'])
  expect([line.length, line.peek()]).toEqual([0, undefined])
})

test('behind a hundred thousand of one lane, another waits for one', () => {
  const line = new FairLine<string>()
  for (let n = 0; n < 100_000; n++) line.add('noisy', `n${n}`)
  line.next()
  for (let n = 0; n < 3; n++) line.add('quiet', `q${n}`)
  expect([...Array(6)].map(() => line.next())).toEqual(['n1', 'q0', 'n2', 'q1', 'n3', 'q2'])
  const rest = drained(line)
  expect(rest).toEqual(Array.from({ length: 99_996 }, (_, n) => `n${n + 4}`))
})

test('what is taken out is not given, and leaves the rest as it was', () => {
  const line = new FairLine<string>()
  for (const item of ['a1', 'a2', 'a3', 'b1']) line.add(item.slice(0, 1), item)
  line.remove('a', 'a2')
  line.remove('b', 'b1')
  line.remove('b', 'b1')
  expect(line.length).toBe(2)
  expect(drained(line)).toEqual(['a1', 'a3'])
})

test('permits go round the lanes', async () => {
  const semaphore = new Semaphore(1, 1_000)
  const order: string[] = []
  const holding = await semaphore.acquire({ waitMs: 1_000 })
  const wait = (lane: string, name: string) =>
    semaphore.acquire({ waitMs: 10_000, lane }).then((release) => {
      order.push(name)
      release()
    })
  const all = [...Array(50)].map((_, n) => wait('noisy', `n${n}`))
  all.push(wait('quiet', 'q'))
  holding()
  await Promise.all(all)
  expect(order.slice(0, 3)).toEqual(['n0', 'q', 'n1'])
})
