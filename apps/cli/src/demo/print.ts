import { relative } from 'node:path'
import type { Context } from '../context.ts'
import type { RecordLine, Step, Tell } from './steps.ts'

/** Steps as JSON lines, for programs. */
export const jsonPrinter =
  ({ say }: Pick<Context, 'say'>): Tell =>
  (step) =>
    say(JSON.stringify(step))

/**
 * Steps for a person. What the model says streams as it comes, each time up to the end of its first line: the whole
 * answer stands at the end. Events that arrive in the middle of a line wait for its end.
 */
export function linePrinter({ say, write, root }: Pick<Context, 'say' | 'write' | 'root'>): Tell {
  let isMidLine = false
  let isCut = false
  const held: string[] = []
  const endLine = () => {
    if (isMidLine) write('\n')
    isMidLine = false
    for (const line of held.splice(0)) say(line)
  }
  const stream = (text: string) => {
    if (isCut) return
    const end = text.indexOf('\n')
    isCut = end >= 0
    write(`${isMidLine ? '' : '  model  '}${isCut ? `${text.slice(0, end)} …` : text}`)
    isMidLine = true
  }
  return (step) => {
    if (step.step === 'text') return stream(step.text)
    const lines = linesOf(step, root)
    if (step.step === 'event' && isMidLine) return void held.push(...lines)
    endLine()
    if (step.step !== 'event') isCut = false
    for (const line of lines) say(line)
  }
}

function linesOf(step: Exclude<Step, { step: 'text' }>, root: string): string[] {
  const near = (path: string) => relative(root, path)
  switch (step.step) {
    case 'run':
      return [`Question  ${step.question}`, ...step.pages.map((page) => `          ${page}`), '']
    case 'key':
      return [`  key    sc_${step.id}_… for this run: ${step.scopes.join(' ')}`]
    case 'session':
      return [`  ai     session ${step.id}`]
    case 'tool':
      return [`  tool   ${step.name} ${JSON.stringify(step.arguments)}`]
    case 'seen':
      return [`  saw    "${step.title}" ${near(step.screenshot)}`]
    case 'event':
      return [`  bus    ${step.topic.padEnd(12)}${step.type}`]
    case 'answer':
      return [
        ...['', `Answer${step.isOffline ? ' of the offline model' : ` of ${step.model}`}`],
        ...step.text.split('\n').map((line) => `  ${line}`),
        ...['', 'Screenshots', ...step.screenshots.map((path) => `  ${near(path)}`)],
      ]
    case 'records':
      return [
        ...['', `Audit records of this run, read back from ClickHouse (trace ${step.traceId})`],
        ...step.records.map(recordLine),
      ]
  }
}

const recordLine = ({ occurredAt, action, outcome, target }: RecordLine) =>
  `  ${occurredAt.slice(11, 23)}  ${action.padEnd(30)}${outcome.padEnd(9)}${target.type} ${target.id}`
