import { expect, test } from 'bun:test'
import { factsLine, screenOf } from './screen.ts'
import type { Stack } from './stack.ts'

const names = ['projectflow-ai', 'ai-service', 'browser-pool-service', 'audit-sink-service', 'message-queue-service']
const stack = {
  state: { dir: '/r/.data', devKey: 'sc_abc', devKeyPath: '/r/.data/dev-key' },
  engines: { redisLabel: 'redis :8079', clickhouseLabel: 'chDB (in process)', chromiumLabel: 'headless-shell 156' },
  services: names.map((name, index) => ({
    ...{ name, port: 8000 + index, needs: ['redis'], mainPath: '', url: `http://127.0.0.1:${8000 + index}` },
  })),
  adopted: new Set<string>(),
} as unknown as Stack
const facts = { version: '0.1.0', readyMs: 2100, model: 'offline model' }

test('the screen has at most 18 lines and a row with port, engine and Swagger link for every service', () => {
  const lines = screenOf(stack, facts, { root: '/r' })
  expect(lines.length).toBeLessThanOrEqual(18)
  for (const [index, name] of names.entries())
    expect(lines.join('\n')).toMatch(
      new RegExp(`${name} +${8000 + index} +redis :8079 +http://localhost:${8000 + index}/swagger`),
    )
  expect(lines.join('\n')).toContain('sc_abc  (.data/dev-key)')
})

test('a program gets the same as one JSON line', () => {
  expect(JSON.parse(factsLine(stack, facts))).toMatchObject({
    event: 'ready',
    devKey: 'sc_abc',
    model: 'offline model',
  })
})
