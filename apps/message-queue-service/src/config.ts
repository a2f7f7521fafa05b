import { choice, integer, port, settings } from '@santaclaude/service/config'

export const Config = settings({
  port: port(8004),
  auditPolicy: choice('AUDIT_POLICY', ['require', 'best-effort'], {
    default: 'require',
    about: 'What happens to an act whose audit record cannot be appended: refused with 503, or counted.',
  }),
  upkeepEveryMs: integer('UPKEEP_EVERY_MS', {
    default: 500,
    min: 50,
    max: 60_000,
    about: 'How often expired leases, dead letters and retention are looked after, in milliseconds.',
  }),
})
