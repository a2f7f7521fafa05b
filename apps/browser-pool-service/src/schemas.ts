import { oneOf, queryBoolean, queryInteger, t } from '@santaclaude/service/schema'
import type { Static } from 'elysia'

const deadline = (about: string) => t.Optional(t.Integer({ minimum: 100, maximum: 120_000, description: about }))
const time = (description: string) => t.String({ format: 'date-time', description })

// A percent-encoding that is no UTF-8 reaches a handler as null when nothing says that an id is text.
const id = (description: string) => t.String({ minLength: 1, maxLength: 512, description })
export const SessionParams = t.Object({ id: id('Of the session.') })
export const PageParams = t.Object({ id: id('Of the session.'), page: id('Of the page.') })

/** Each is enough by itself; exactly one is wanted, and `name` only with `role`. */
const Target = t.Object(
  {
    ref: t.Optional(t.String({ maxLength: 32, description: 'As a snapshot printed it, `d1e5`. The surest way.' })),
    role: t.Optional(t.String({ maxLength: 32, description: 'ARIA role, such as `button`.' })),
    name: t.Optional(t.String({ maxLength: 500, description: 'The accessible name, exactly; with `role`.' })),
    selector: t.Optional(t.String({ maxLength: 1_000, description: 'CSS selector that fits one element.' })),
  },
  { examples: [{ ref: 'd1e5' }] },
)

export const SessionWanted = t.Object(
  {
    viewport: t.Optional(
      t.Object({
        width: t.Integer({ minimum: 200, maximum: 4_096 }),
        height: t.Integer({ minimum: 200, maximum: 4_096 }),
      }),
    ),
    locale: t.Optional(t.String({ maxLength: 35, description: 'BCP 47, such as `de-DE`.' })),
    timezone: t.Optional(t.String({ maxLength: 64, description: 'IANA name, such as `Europe/Berlin`.' })),
    userAgent: t.Optional(t.String({ minLength: 1, maxLength: 512, pattern: '^[\\x20-\\x7e]+$' })),
    idleMs: t.Optional(
      t.Integer({ minimum: 1_000, maximum: 3_600_000, description: 'Ends after this long without a command.' }),
    ),
    allowEvaluate: t.Optional(
      t.Boolean({ description: 'Lets keys without browser:admin run scripts in its pages. Default false.' }),
    ),
    queueWaitMs: t.Optional(
      t.Integer({ minimum: 0, maximum: 120_000, description: 'How long to wait for a free browser.' }),
    ),
  },
  { examples: [{ viewport: { width: 1280, height: 800 }, locale: 'en-GB' }] },
)

export const PageView = t.Object({
  id: t.String({ format: 'uuid' }),
  url: t.String(),
  openedAt: time('When it was opened.'),
  isPopup: t.Boolean({ description: 'Whether a page opened it by itself.' }),
  isCrashed: t.Boolean(),
})
export type PageView = Static<typeof PageView>

export const SessionView = t.Object({
  id: t.String({ format: 'uuid' }),
  createdAt: time('When it was created.'),
  idleAt: time('When it ends if nobody uses it before.'),
  expiresAt: time('When it ends in any case.'),
  allowEvaluate: t.Boolean(),
  browser: t.String({ description: 'The version of its Chromium.' }),
  pages: t.Array(PageView),
})
export type SessionView = Static<typeof SessionView>

export const SessionList = t.Object({ sessions: t.Array(SessionView) })
export type SessionList = Static<typeof SessionList>

export const PageList = t.Object({ pages: t.Array(PageView) })

export const SnapshotView = t.Object({
  url: t.String(),
  title: t.String(),
  text: t.String({ description: 'The accessibility tree as indented lines; what can be acted on has `[ref=…]`.' }),
  isTruncated: t.Boolean({ description: 'Whether `text` was cut at `maxChars`.' }),
})
export type SnapshotView = Static<typeof SnapshotView>

const withSnapshot = t.Optional(
  t.Boolean({ description: 'Whether to answer a snapshot of the page as it is afterwards.' }),
)

export const NavigateWanted = t.Object(
  {
    url: t.String({ minLength: 1, maxLength: 8_192, description: 'http or https.' }),
    waitUntil: t.Optional(oneOf(['commit', 'domcontentloaded', 'load'], { description: 'Default `load`.' })),
    deadlineMs: deadline('How long it may take, in milliseconds; default 30000.'),
    snapshot: withSnapshot,
  },
  { examples: [{ url: 'https://example.com/' }] },
)

export const Navigated = t.Object({
  url: t.String({ description: 'Where it ended, after redirects.' }),
  status: t.Optional(t.Integer({ description: 'Of the HTTP response; absent when there was none.' })),
  title: t.String(),
  snapshot: t.Optional(SnapshotView),
})
export type Navigated = Static<typeof Navigated>

export const ActWanted = t.Object(
  {
    action: oneOf(['click', 'type', 'select', 'press']),
    target: t.Optional(Target),
    clicks: t.Optional(t.Integer({ minimum: 1, maximum: 3, description: 'For click; default 1.' })),
    text: t.Optional(t.String({ maxLength: 100_000, description: 'For type. Never recorded, only its length.' })),
    append: t.Optional(t.Boolean({ description: 'For type: add to what is there instead of replacing it.' })),
    submit: t.Optional(t.Boolean({ description: 'For type: press Enter afterwards.' })),
    values: t.Optional(
      t.Array(t.String({ maxLength: 1_000 }), { maxItems: 100, description: 'For select: labels or values.' }),
    ),
    key: t.Optional(t.String({ minLength: 1, maxLength: 64, description: 'For press: `Enter`, `Control+A`, `x`.' })),
    deadlineMs: deadline('How long it may take, in milliseconds; default 10000.'),
    snapshot: withSnapshot,
  },
  { examples: [{ action: 'click', target: { ref: 'd1e5' } }] },
)
export type ActWanted = Static<typeof ActWanted>

export const Acted = t.Object({
  url: t.String(),
  isSettled: t.Boolean({ description: 'False when the page it led to was not there within 5 seconds.' }),
  snapshot: t.Optional(SnapshotView),
})
export type Acted = Static<typeof Acted>

export const WaitWanted = t.Object(
  {
    for: oneOf(['load', 'domcontentloaded', 'networkidle', 'text', 'textGone', 'visible', 'hidden', 'url']),
    text: t.Optional(t.String({ minLength: 1, maxLength: 1_000, description: 'For text and textGone.' })),
    target: t.Optional(Target),
    contains: t.Optional(t.String({ minLength: 1, maxLength: 1_000, description: 'For url: a part of it.' })),
    deadlineMs: deadline('How long to wait, in milliseconds; default 10000.'),
  },
  { examples: [{ for: 'text', text: 'Added to basket' }] },
)
export type WaitWanted = Static<typeof WaitWanted>

export const EvaluateWanted = t.Object(
  {
    script: t.String({ minLength: 1, maxLength: 100_000, description: 'An expression, or a function to be called.' }),
    deadlineMs: deadline('How long it may take, in milliseconds; default 10000.'),
  },
  { examples: [{ script: '() => document.title' }] },
)
export const Evaluated = t.Object({ value: t.Any({ description: 'What it gave, as JSON; null for undefined.' }) })

const queryDeadline = t.Optional(queryInteger({ minimum: 100, maximum: 120_000 }))
export const SnapshotQuery = t.Object({
  maxChars: t.Optional(queryInteger({ minimum: 200, maximum: 500_000, description: 'Default 50000.' })),
  deadlineMs: queryDeadline,
})
export const ScreenshotQuery = t.Object({
  type: t.Optional(oneOf(['png', 'jpeg'], { description: 'Default png.' })),
  quality: t.Optional(queryInteger({ minimum: 1, maximum: 100, description: 'For jpeg; default 80.' })),
  fullPage: t.Optional(
    queryBoolean({ description: 'The whole document, up to 16384 pixels of height and 40 million in all.' }),
  ),
  ref: t.Optional(t.String({ maxLength: 32, description: 'Only this element; not together with selector.' })),
  selector: t.Optional(t.String({ maxLength: 1_000, description: 'Only this element.' })),
  deadlineMs: queryDeadline,
})
export const PdfQuery = t.Object({
  format: t.Optional(oneOf(['A4', 'Letter'], { description: 'Default A4.' })),
  landscape: t.Optional(queryBoolean()),
  deadlineMs: queryDeadline,
})

export const Stats = t.Object({
  replica: t.String(),
  engine: t.String({ description: 'Kind and version of Chromium, or why there is none.' }),
  isSandboxed: t.Boolean(),
  allowsPrivateNetworks: t.Boolean(),
  browsers: t.Array(
    t.Object({
      id: t.String({ format: 'uuid' }),
      state: oneOf(['starting', 'ready', 'retiring', 'gone']),
      startedAt: time('When it was started.'),
      sessions: t.Integer(),
      served: t.Integer({ description: 'Sessions it ever had.' }),
    }),
  ),
  browsersMax: t.Integer(),
  sessions: t.Integer(),
  sessionsMax: t.Integer(),
  pages: t.Integer(),
  waiting: t.Integer({ description: 'Requests that wait for a browser.' }),
  waitingMax: t.Integer(),
})
