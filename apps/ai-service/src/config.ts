import { choice, integer, optionalText, port, secret, settings, url } from '@santaclaude/service/config'

const ms = (variable: string, fallback: number, about: string) =>
  integer(variable, { default: fallback, min: 1, max: 3_600_000, about: `${about}, in milliseconds.` })

/** What this service is told by its environment. */
export const Config = settings({
  port: port(8001),
  openaiKey: secret('OPENAI_API_KEY', { about: 'Key for OpenAI.', mayBeMissing: true }),
  openaiKeyFile: optionalText('OPENAI_API_KEY_FILE', {
    about: 'File with the key for OpenAI, read again when it changes.',
  }),
  openaiBaseUrl: url('OPENAI_BASE_URL', {
    default: 'https://api.openai.com/v1',
    schemes: ['http', 'https'],
    about: 'Where OpenAI’s API is, or a server that speaks it; one other than the default needs no key.',
  }),
  anthropicKey: secret('ANTHROPIC_API_KEY', { about: 'Key for Anthropic.', mayBeMissing: true }),
  anthropicKeyFile: optionalText('ANTHROPIC_API_KEY_FILE', {
    about: 'File with the key for Anthropic, read again when it changes.',
  }),
  anthropicBaseUrl: url('ANTHROPIC_BASE_URL', {
    default: 'https://api.anthropic.com',
    schemes: ['http', 'https'],
    about: 'Where Anthropic’s API is.',
  }),
  defaultModel: optionalText('DEFAULT_MODEL', {
    about: 'Model of calls that name none; empty = the first ready provider’s own, `offline` without a key.',
  }),
  offlineTokenMs: integer('OFFLINE_TOKEN_MS', {
    default: 0,
    min: 0,
    max: 1_000,
    about: 'Pause before each token of the offline model, in milliseconds.',
  }),
  firstTokenMs: ms('FIRST_TOKEN_TIMEOUT_MS', 90_000, 'How long a provider may take until the first content'),
  idleMs: ms('IDLE_TIMEOUT_MS', 60_000, 'How long a stream may be silent after that'),
  callMs: ms('CALL_TIMEOUT_MS', 600_000, 'How long a call may take from end to end'),
  callsMax: integer('CALLS_MAX', {
    default: 512,
    min: 1,
    max: 100_000,
    about: 'Model calls in flight on this replica.',
  }),
  bodyBytesMax: integer('BODY_BYTES_MAX', {
    default: 16_777_216,
    min: 1_024,
    max: 134_217_728,
    about: 'Largest request body, in bytes; images travel in it.',
  }),
  sessionTtlSeconds: integer('SESSION_TTL_SECONDS', {
    default: 604_800,
    min: 60,
    max: 31_536_000,
    about: 'How long a session is kept after its last use, in seconds.',
  }),
  sessionsMax: integer('SESSIONS_MAX', {
    default: 10_000,
    min: 1,
    max: 1_000_000,
    about: 'Sessions a tenant may have.',
  }),
  sessionMessagesMax: integer('SESSION_MESSAGES_MAX', {
    default: 2_000,
    min: 2,
    max: 100_000,
    about: 'Messages a session may hold.',
  }),
  sessionBytesMax: integer('SESSION_BYTES_MAX', {
    default: 8_388_608,
    min: 10_000,
    max: 134_217_728,
    about: 'Bytes a session’s messages may have together.',
  }),
  auditPolicy: choice('AUDIT_POLICY', ['require', 'best-effort'], {
    default: 'require',
    about: 'Whether a call is refused when its audit record cannot be written.',
  }),
})
