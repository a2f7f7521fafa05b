import { choice, flag, integer, optionalText, port, settings, text } from '@santaclaude/service/config'
import { defaultPoolSettings } from './pool/settings.ts'

const count = (variable: string, fallback: number, about: string) =>
  integer(variable, { default: fallback, min: 1, max: 10_000, about })
const ms = (variable: string, fallback: number, about: string) =>
  integer(variable, { default: fallback, min: 100, max: 86_400_000, about: `${about}, in milliseconds.` })

/** The settings of this service, besides those that every service has. */
export const Config = settings({
  port: port(8002),
  chromiumPath: optionalText('CHROMIUM_PATH', {
    about: 'The Chromium to use. Without it one found on this machine, else the one from npm.',
  }),
  chromiumDir: text('CHROMIUM_DIR', {
    default: '.data/chromium',
    about: 'Where the Chromium from npm is unpacked when it is needed.',
  }),
  scratchDir: optionalText('SCRATCH_DIR', {
    about: "For the browsers' temporary files; the system's temporary folder when absent.",
  }),
  sandbox: choice('ENABLE_SANDBOX', ['auto', 'true', 'false'], {
    default: 'auto',
    about: "Chromium's own sandbox: auto = on unless we run as root, where it cannot work.",
  }),
  allowPrivate: flag('EGRESS_ALLOW_PRIVATE', {
    default: true,
    about: 'Whether pages may reach loopback and private networks. Cloud metadata addresses are closed either way.',
  }),
  auditPolicy: choice('AUDIT_POLICY', ['require', 'best-effort'], {
    default: 'require',
    about: 'Whether an act is refused when its audit record cannot be written.',
  }),
  replica: optionalText('REPLICA', { about: 'The name of this replica; the host name when absent.' }),
  browsersMax: count('BROWSERS_MAX', defaultPoolSettings.browsersMax, 'Browser processes at once.'),
  sessionsPerBrowserMax: count(
    'SESSIONS_PER_BROWSER_MAX',
    defaultPoolSettings.sessionsPerBrowserMax,
    'Sessions in one.',
  ),
  sessionsPerTenantMax: count(
    'SESSIONS_PER_TENANT_MAX',
    defaultPoolSettings.sessionsPerTenantMax,
    'Sessions of a tenant.',
  ),
  pagesPerSessionMax: count('PAGES_PER_SESSION_MAX', defaultPoolSettings.pagesPerSessionMax, 'Pages of a session.'),
  sessionsPerBrowserLife: count(
    'SESSIONS_PER_BROWSER_LIFE',
    defaultPoolSettings.sessionsPerBrowserLife,
    'Sessions after which a browser takes no more.',
  ),
  queueMax: integer('QUEUE_MAX', {
    default: defaultPoolSettings.queueMax,
    min: 0,
    max: 10_000,
    about: 'Requests that may wait for a browser.',
  }),
  queueWaitMs: ms('QUEUE_WAIT_MS', defaultPoolSettings.queueWaitMs, 'How long one of them waits'),
  sessionIdleMs: ms('SESSION_IDLE_MS', defaultPoolSettings.sessionIdleMs, 'An unused session ends after this'),
  sessionLifeMs: ms('SESSION_LIFE_MS', defaultPoolSettings.sessionLifeMs, 'A session ends after this in any case'),
  browserIdleMs: ms('BROWSER_IDLE_MS', defaultPoolSettings.browserIdleMs, 'A browser without sessions ends after this'),
  pingEveryMs: ms('PING_EVERY_MS', defaultPoolSettings.pingEveryMs, 'How often a browser is asked for a sign of life'),
  pingDeadlineMs: ms('PING_DEADLINE_MS', defaultPoolSettings.pingDeadlineMs, 'How long it may take to give one'),
  launchDeadlineMs: ms(
    'LAUNCH_DEADLINE_MS',
    defaultPoolSettings.launchDeadlineMs,
    'How long a browser may take to start',
  ),
})
