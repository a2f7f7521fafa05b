import { expect, test } from 'bun:test'
import { isUuid } from '@santaclaude/kit/ids'
import { emitter } from './emit.ts'
import { structuredEvent } from './event.ts'
import { memoryLog } from './memory.ts'

test('what a service emits is a CloudEvent of its tenant, in a topic that is made for it', async () => {
  const log = memoryLog()
  const emit = emitter(log, '/ai-service')
  const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'
  const id = await emit({
    tenant: 'acme',
    topic: 'ai',
    type: 'ai.call.completed',
    subject: 'call/1',
    data: { tokens: 7 },
    traceparent,
    partitionkey: 's1',
  })
  expect(isUuid(id)).toBe(true)
  const { entries } = await log.read({ tenant: 'acme', topic: 'ai' }, { from: { at: 'earliest' }, limit: 10 })
  const [event] = entries.map((entry) => JSON.parse(structuredEvent(entry.event)))
  expect(event).toEqual({
    specversion: '1.0',
    id,
    source: '/ai-service',
    type: 'ai.call.completed',
    time: expect.any(String),
    subject: 'call/1',
    tenant: 'acme',
    traceparent,
    partitionkey: 's1',
    datacontenttype: 'application/json',
    data: { tokens: 7 },
  })
})
