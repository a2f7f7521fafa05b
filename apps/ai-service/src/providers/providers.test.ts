import { type FakeModelUpstream, startFakeModelUpstream } from '@santaclaude/testkit/fake-model-upstream'
import type { UpstreamFault } from '@santaclaude/testkit/fake-model-upstream-plan'
import { anthropic } from './anthropic.ts'
import { type Candidate, providerConformance } from './conformance.ts'
import { offline } from './offline/offline.ts'
import { openai } from './openai.ts'
import type { Provider, ProviderErrorKind } from './port.ts'

const body = '{"error":{"message":"upstream-secret","type":"invalid"}}'
const faults: Partial<Record<ProviderErrorKind, UpstreamFault>> = {
  credentials: { kind: 'status', status: 401, body },
  rate_limited: { kind: 'status', status: 429, body, headers: { 'retry-after': '7' } },
  overloaded: { kind: 'status', status: 529, body },
  rejected: { kind: 'status', status: 400, body },
  model_absent: { kind: 'status', status: 404, body },
  failed: { kind: 'error_event', afterEvents: 2, message: 'upstream-secret' },
  cut: { kind: 'cut', afterEvents: 3 },
  malformed: { kind: 'malformed', afterEvents: 2 },
  first_token_timeout: { kind: 'hang' },
  idle_timeout: { kind: 'comments', afterEvents: 5 },
}

async function withUpstream(make: (upstream: FakeModelUpstream) => Provider, model: string): Promise<Candidate> {
  const upstream = await startFakeModelUpstream()
  return {
    provider: make(upstream),
    model,
    fail: (kind) => {
      // The in-band error of Anthropic's dialect says "overloaded": a plain failure is a 500 there.
      const isInBand = kind === 'failed' && model.startsWith('claude')
      const fault: UpstreamFault | undefined = isInBand ? { kind: 'status', status: 500, body } : faults[kind]
      upstream.plan(fault ? { text: 'one two three four five six', fault } : {})
    },
    prolong: () => upstream.plan({ text: 'and on '.repeat(20_000) }),
    wasAbandoned: async () => (await upstream.requests.at(-1)?.ended) !== 'complete',
    close: () => upstream.close(),
  }
}

const patience = { firstTokenMs: 200, idleMs: 200 }
const key = () => 'sk-test'

providerConformance('openai', () =>
  withUpstream(({ url }) => openai({ key, baseUrl: `${url}/v1`, needsKey: true, patience }), 'gpt-5-mini'),
)
providerConformance('anthropic', () =>
  withUpstream(({ url }) => anthropic({ key, baseUrl: url, patience }), 'claude-sonnet-5-5'),
)
providerConformance('offline', async () => ({ provider: offline(), model: 'offline', close: async () => {} }), {
  fails: false,
})
