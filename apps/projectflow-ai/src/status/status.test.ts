import { describe, expect, test } from 'bun:test'
import { readSse } from '@santaclaude/kit/sse'
import { house as newHouse } from '../app.fixture.ts'
import type { FullStatus } from './follow.ts'
import { sparkline } from './sparkline.ts'

const nowhere = [{ name: 'ai-service', url: 'http://127.0.0.1:1' }] as const
const event = { id: '1', source: '/test', type: 'order.made' }

describe('the status', () => {
  test('is kept for as long as a round takes, and no longer', async () => {
    const house = newHouse({ peers: nowhere })
    const key = await house.keyWith(['projects:use'])
    const look = async (): Promise<FullStatus> => (await house.request('GET', '/v1/status', { key })).json()
    const probes = ({ services }: FullStatus) => services.map(({ history }) => history.length)
    expect(probes(await look())).toEqual([1, 1])
    expect(probes(await look())).toEqual([1, 1])
    house.clock.advance(1_000)
    expect(probes(await look())).toEqual([2, 2])
  })

  test('while all are well it is looked at less often than while something is not', async () => {
    const house = newHouse()
    const rounds = async () => (await house.watch.view())[0]?.probes.length
    expect(await rounds()).toBe(1)
    house.clock.advance(4_999)
    expect(await rounds()).toBe(1)
    house.clock.advance(1)
    expect(await rounds()).toBe(2)
  })

  test('many who look at once share one round', async () => {
    const house = newHouse({ peers: nowhere })
    await Promise.all(Array.from({ length: 20 }, () => house.watch.view()))
    expect((await house.watch.view())[0]?.probes).toHaveLength(1)
  })

  test('the history is bounded', async () => {
    const house = newHouse({ peers: nowhere })
    for (let round = 0; round < 70; round++) await house.watch.look()
    expect((await house.watch.view()).map(({ probes }) => probes.length)).toEqual([60, 60])
  })

  test('a key sees the queues of its own tenant; an internal one those of the platform too', async () => {
    const house = newHouse()
    for (const tenant of ['acme', 'other', 'sc'])
      await house.log.append({ tenant, topic: `of-${tenant}` }, [event], { create: true })
    const topics = async (key: string) => {
      house.clock.advance(5_000)
      const status: FullStatus = await (await house.request('GET', '/v1/status', { key })).json()
      return status.queues.map(({ topic }) => topic)
    }
    expect(await topics(await house.keyWith(['projects:use']))).toEqual(['of-acme'])
    expect(await topics(await house.keyWith(['projects:use', 'internal']))).toEqual(['of-acme', 'of-sc'])
  })

  test('without a key, or with one of another scope, the queues are not shown', async () => {
    const house = newHouse()
    await house.log.append({ tenant: 'acme', topic: 'orders' }, [event], { create: true })
    expect((await house.request('GET', '/v1/status')).status).toBe(401)
    expect((await house.request('GET', '/v1/status', { key: await house.keyWith(['ai:invoke']) })).status).toBe(403)
    expect(await (await house.request('GET', '/')).text()).not.toContain('orders')
  })

  test('a log that is away is a 503', async () => {
    const house = newHouse()
    house.log.topics = () => Promise.reject(new Error('gone'))
    const response = await house.request('GET', '/v1/status', { key: await house.keyWith(['projects:use']) })
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })
})

describe('following the status', () => {
  test('an event comes at once, then whenever a queue changed, and nothing in between', async () => {
    const house = newHouse()
    const key = await house.keyWith(['projects:use'])
    const response = await house.request('GET', '/v1/status/stream', { key })
    const depths: number[] = []
    if (response.body)
      for await (const { event: name, data } of readSse(response.body)) {
        if (name !== 'status') break
        const { queues } = JSON.parse(data) as FullStatus
        depths.push(queues[0]?.events ?? 0)
        if (depths.length === 3) break
        await house.log.append({ tenant: 'acme', topic: 'orders' }, [event], { create: true })
        house.clock.advance(1_001)
      }
    expect(depths).toEqual([0, 1, 2])
  })

  test('more streams than allowed are refused in words, and a closed one makes room', async () => {
    const house = newHouse({ streamsMax: 1 })
    const key = await house.keyWith(['projects:use'])
    const open = async () => {
      const response = await house.request('GET', '/v1/status/stream', { key })
      const reader = response.body?.getReader()
      const { value } = (await reader?.read()) ?? {}
      return { first: new TextDecoder().decode(value), close: () => reader?.cancel() }
    }
    const one = await open()
    expect(one.first).toStartWith('event: status')
    const second = await house.request('GET', '/v1/status/stream', { key })
    expect([second.status, second.headers.get('retry-after')]).toEqual([429, '10'])
    await one.close()
    expect((await open()).first).toStartWith('event: status')
  })
})

describe('the chart', () => {
  test('draws answers as a line, and failures as marks that break it', () => {
    const { text } = sparkline(
      [
        { value: 1, ok: true },
        { value: 9, ok: false },
        { value: 2, ok: true },
      ],
      3,
    )
    expect(text).toContain('class="line" d="M0 14h0M120 3h0"')
    expect(text).toContain('class="missed" d="M60 19v6"')
  })

  test('has no line without answers, and draws nothing that is not a number', () => {
    for (const points of [[], [{ value: 0, ok: true }], [{ value: 5, ok: false }]])
      expect(sparkline(points, 60).text).not.toMatch(/NaN|Infinity|undefined/)
  })
})
