import { expect, test } from 'bun:test'
import type { LogEvent } from '@santaclaude/log/port'
import { HTTP } from 'cloudevents'
import { type BodyMode, bodyModes, messageOf } from './message.ts'

const event: LogEvent = {
  id: 'a/1',
  source: '/test',
  type: 'order.placed',
  partitionkey: 'k1',
  attributesJson:
    '{"time":"2026-11-23T12:00:00.000Z","subject":"Zoë \\"x\\" 100%","datacontenttype":"application/json","n":3}',
  dataJson: '{"text":"ü","amount":1.10}',
}
const read = (of: LogEvent, mode: BodyMode) => {
  const { headers, body } = messageOf(of, mode)
  return {
    headers,
    body: Buffer.from(body).toString(),
    event: HTTP.toEvent({ headers, body: Buffer.from(body).toString() }),
  }
}

test.each(bodyModes)('the CloudEvents SDK reads a %s message as the event it was', (mode) => {
  expect(read(event, mode).event).toMatchObject({
    id: 'a/1',
    source: '/test',
    type: 'order.placed',
    partitionkey: 'k1',
    time: '2026-11-23T12:00:00.000Z',
    data: { text: 'ü', amount: 1.1 },
  })
})

test('the publisher’s own bytes of data are kept, in both modes', () => {
  expect(read(event, 'structured').body).toContain('"amount":1.10')
  expect(read(event, 'binary').body).toBe('{"text":"ü","amount":1.10}')
})

test('what a header may not carry is percent-encoded', () => {
  const { headers } = messageOf(event, 'binary')
  expect(headers['ce-subject']).toBe('Zo%C3%AB%20%22x%22%20100%25')
  expect(headers['content-type']).toBe('application/json')
  const nasty = messageOf({ ...event, id: 'x\r\nevil: 1\ud800' }, 'binary').headers
  expect(nasty['ce-id']).toBe('x%0D%0Aevil:%201%EF%BF%BD')
})

test('binary data comes as its bytes, text as its text, no data as no body', () => {
  const { dataJson: _, ...bare } = event
  const bytes = { ...bare, attributesJson: '{"data_base64":"AP8=","datacontenttype":"image/png"}' }
  expect([...messageOf(bytes, 'binary').body]).toEqual([0, 255])
  const text = { ...event, attributesJson: '{"datacontenttype":"text/plain; charset=utf-8"}', dataJson: '"häi"' }
  const plain = messageOf(text, 'binary')
  expect(Buffer.from(plain.body).toString()).toBe('häi')
  expect(plain.headers['content-type']).toBe('text/plain; charset=utf-8')
  const none = messageOf({ ...bare, attributesJson: '{}' }, 'binary')
  expect(none.body).toHaveLength(0)
  expect(none.headers).not.toHaveProperty('content-type')
})

test.each(bodyModes)('a %s message goes on in the trace of its event', (mode) => {
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  const traced = (value: string) =>
    messageOf({ ...event, attributesJson: JSON.stringify({ traceparent: value }) }, mode)
  expect(traced(traceparent).headers.traceparent).toBe(traceparent)
  expect(traced('nonsense').headers).not.toHaveProperty('traceparent')
  expect(messageOf(event, mode).headers).not.toHaveProperty('traceparent')
})
