import { uuidv7 } from '@santaclaude/kit/ids'
import type { Subscription } from './port.ts'

/** A subscription with nothing special about it. */
export const subscription = (more: Partial<Subscription> = {}): Subscription => ({
  tenant: 'acme',
  id: uuidv7(),
  topic: 'orders',
  group: 'hook-1',
  ownsGroup: true,
  url: 'https://endpoint.test/1',
  description: '',
  types: [],
  where: null,
  ordering: 'none',
  mode: 'structured',
  timeoutMs: 15_000,
  retryMs: [5_000],
  concurrency: 8,
  disableAfterMs: null,
  status: 'enabled',
  disabled: null,
  sealedKeys: 'sealed',
  publicKeys: [{ key: 'whpk_1', untilMs: null }],
  recovery: null,
  startMs: 0,
  enabledAtMs: 1,
  createdAtMs: 1,
  changedAtMs: 1,
  version: 1,
  ...more,
})
