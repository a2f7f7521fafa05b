import { join } from 'node:path'
import { uuidv7 } from '@santaclaude/kit/ids'
import type { Stack } from '../stack.ts'
import { openBrowsing } from './browsing.ts'
import { followBus } from './bus.ts'
import { callerOf, randomHex } from './caller.ts'
import { countCalls } from './counting.ts'
import { readRecords } from './records.ts'
import type { Tell } from './steps.ts'
import { openTalk } from './talk.ts'
import { useTool } from './tools.ts'

export interface Task {
  question: string
  pages: string[]
}

const scopes = ['ai:invoke', 'browser:use', 'events:consume']
const eventDeadlineMs = 15_000

/**
 * One real task through all five services: a key of its own, a conversation whose model reads pages in the browser pool
 * through tool calls, the events of it from the bus while they happen, and its audit records out of ClickHouse.
 */
export async function runTask(
  { state, services, adopted }: Stack,
  { question, pages }: Task,
  tell: Tell,
): Promise<void> {
  const [runId, traceId, sinceMs] = [uuidv7(), randomHex(16), Date.now() - 1_000]
  const at = (name: string) => services.find((service) => service.name === name)?.url ?? ''
  tell({ step: 'run', runId, traceId, question, pages, wasRunning: adopted.size > 0 })

  const front = callerOf(at('projectflow-ai'), { key: state.devKey, traceId })
  const wish = { name: `demo ${runId}`, scopes, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }
  const { key, secret } = await front.call<{ key: { id: string }; secret: string }>('POST', '/v1/keys', wish)
  tell({ step: 'key', id: key.id, scopes })
  const own = { key: secret, traceId }

  const bus = await followBus(callerOf(at('message-queue-service'), own), { traceId, sinceMs, tell })
  try {
    const counted = countCalls(callerOf(at('browser-pool-service'), own))
    const talk = await openTalk(callerOf(at('ai-service'), own), `Demo ${runId}`)
    tell({ step: 'session', id: talk.id })
    const browsing = await openBrowsing(counted.caller, { dir: join(state.demoDir, runId), tell })
    const work = talk.ask(`${question}\n${pages.join('\n')}`, {
      use: (name, input) => useTool(browsing, name, input),
      tell,
    })
    const said = await work.catch(async (error) => {
      await browsing.close().catch(() => {})
      throw error
    })
    tell({ step: 'answer', ...said, screenshots: browsing.screenshots() })
    counted.add('ai.call.requested', said.turns)
    counted.add('ai.call.completed', said.turns)
    await browsing.close()
    await front.call('DELETE', `/v1/keys/${key.id}`)
    counted.add('ai.session.created', 1)
    await bus.until('browser.session.closed', eventDeadlineMs)
    const audit = callerOf(at('audit-sink-service'), { key: state.devKey, traceId })
    tell({ step: 'records', traceId, records: await readRecords(audit, { traceId, wanted: counted.actions }) })
  } finally {
    await bus.close()
  }
}
