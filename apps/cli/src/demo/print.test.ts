import { expect, test } from 'bun:test'
import { jsonPrinter, linePrinter } from './print.ts'
import type { Step } from './steps.ts'

function printed(steps: Step[]) {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const tell = linePrinter({ write, say: (line) => write(`${line}\n`), root: '/r' })
  for (const step of steps) tell(step)
  return text
}
const event: Step = { step: 'event', topic: 'ai', type: 'ai.call.completed', subject: 's', id: '1' }

test('an event that arrives while the model speaks waits for the end of the line', () => {
  const tool: Step = { step: 'tool', name: 'look', arguments: { a: 1 } }
  expect(printed([{ step: 'text', text: 'One ' }, event, { step: 'text', text: 'two.' }, tool])).toBe(
    '  model  One two.\n  bus    ai          ai.call.completed\n  tool   look {"a":1}\n',
  )
})

test('of a long text the first line streams; the rest stands in the answer', () => {
  const more: Step = { step: 'tool', name: 'look', arguments: {} }
  const said = printed([
    { step: 'text', text: 'a\nb' },
    event,
    { step: 'text', text: 'c' },
    more,
    { step: 'text', text: 'd' },
  ])
  expect(said).toBe('  model  a …\n  bus    ai          ai.call.completed\n  tool   look {}\n  model  d')
})

test('paths are told from the repository, and the offline model is named as such', () => {
  const answer: Step = { step: 'answer', text: 'x', model: 'offline', isOffline: true, screenshots: ['/r/.data/1.png'] }
  expect(printed([answer])).toBe('\nAnswer of the offline model\n  x\n\nScreenshots\n  .data/1.png\n')
})

test('a program gets each step as a JSON line', () => {
  const lines: string[] = []
  jsonPrinter({ say: (line) => lines.push(line) })(event)
  expect(lines.map((line) => JSON.parse(line))).toEqual([event])
})
