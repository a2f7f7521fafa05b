/** What a caller may be told about one kind of failure. */
export interface FaultKind {
  /** The HTTP status it answers with. */
  status: number
  /** One public sentence; never includes a cause. */
  title: string
  /** What the caller can do about it. */
  hint: string
  /** Whether the same request may succeed later without a change. */
  retryable?: true
}

const kind = (status: number, title: string, hint: string): FaultKind => ({ status, title, hint })
const passing = (status: number, title: string, hint: string): FaultKind => ({ status, title, hint, retryable: true })

/** The closed list of error codes. A code is public API: it is never renamed and never reused. */
export const faults = {
  // The request itself
  malformed_request: kind(400, 'The request could not be read.', 'Send a complete HTTP request with valid headers.'),
  malformed_json: kind(400, 'The body is not valid JSON.', 'Send UTF-8 JSON no deeper than 64 levels.'),
  unsafe_key: kind(400, 'The body holds a key that is not accepted.', 'Remove the key "__proto__".'),
  invalid_filter: kind(400, 'The filter could not be read.', 'Mend the filter at the place the detail names.'),
  bad_cursor: kind(400, 'The cursor could not be read.', 'Use a cursor exactly as an earlier answer gave it.'),
  topic_not_found: kind(404, 'There is no topic of this name.', 'Create it with PUT /v1/topics/{topic}.'),
  group_not_found: kind(404, 'The topic has no group of this name.', 'Create it with PUT …/groups/{group}.'),
  dead_letter_not_found: kind(404, 'There is no such dead letter.', 'List them; it may have been redriven or deleted.'),
  redrive_not_found: kind(404, 'There is no such redrive.', 'List the redrives of the group.'),
  schedule_not_found: kind(404, 'There is no schedule of this name.', 'Create it with PUT /v1/schedules/{name}.'),
  event_not_found: kind(
    404,
    'The topic holds no such event.',
    'Retention may have removed it; an id that says no time is found by its streamId.',
  ),
  invalid_schedule: kind(400, 'The schedule could not be read.', 'Mend the part that the detail names.'),
  subscription_not_found: kind(404, 'There is no such subscription.', 'GET /v1/subscriptions lists those there are.'),
  attempt_not_found: kind(404, 'There is no such attempt.', 'List the attempts; only the newest are kept.'),
  not_found: kind(404, 'There is nothing at this address.', 'Look at /swagger for the routes of this service.'),
  method_not_allowed: kind(405, 'This address does not take this method.', 'Use a method from the Allow header.'),
  request_timeout: passing(408, 'The body did not arrive in time.', 'Send the body without pauses.'),
  body_too_large: kind(413, 'The body is too large.', 'Send less at once; the detail says the limit.'),
  event_too_large: kind(413, 'An event is too large.', 'Send at most 1 MiB an event; keep large things elsewhere.'),
  unsupported_media_type: kind(415, 'The body has a type this route does not take.', 'Send application/json.'),
  headers_too_large: kind(431, 'The headers are too large.', 'Send at most 32 KiB of headers.'),
  validation_failed: kind(422, 'The request does not fit the schema.', 'Mend the fields named in errors.'),
  // Who asks
  unauthenticated: kind(
    401,
    'A valid API key is needed.',
    'Send Authorization: Bearer sc_… with a key that is neither revoked nor expired.',
  ),
  forbidden: kind(403, 'The key may not do this.', 'Use a key with the scope named in the detail.'),
  // What is asked for again
  conflict: kind(409, 'The request does not fit the present state.', 'Read the state again and decide anew.'),
  idempotency_conflict: kind(
    409,
    'This Idempotency-Key was used with another request.',
    'Use a new Idempotency-Key for a new request.',
  ),
  idempotency_in_progress: passing(
    409,
    'The first request with this Idempotency-Key is still being answered.',
    'Send it again in a moment.',
  ),
  cursor_expired: kind(
    410,
    'Retention has removed what lay at this cursor.',
    'Start at the earliest event, or at a later cursor.',
  ),
  epoch_changed: kind(
    410,
    'The topic lost data or was made anew since this cursor was given out.',
    'Start at the earliest event, or at a time.',
  ),
  upgrade_required: kind(426, 'This address speaks WebSocket only.', 'Open it as a WebSocket.'),
  expected_id_mismatch: kind(
    409,
    'Another event came first.',
    'Read what came after the id you expected, and decide anew; the detail says the last id.',
  ),
  schema_violation: kind(
    422,
    'The data of an event does not fit the schema of its type.',
    'Mend the data at the places in errors; GET /v1/schemas/{type} shows the schema.',
  ),
  several_partitions: kind(
    422,
    'These events do not share a partition.',
    'Give all of them one partition key, or send them apart.',
  ),
  // Browsers
  session_not_found: kind(404, 'There is no such session.', 'List your sessions, or create one.'),
  page_not_found: kind(404, 'There is no such page in this session.', 'List the pages of the session, or open one.'),
  session_ended: kind(410, 'The session is over.', 'Create a new session; the detail says why this one ended.'),
  browser_crashed: kind(
    410,
    'The browser of this session died.',
    'Create a new session; the pages and cookies of this one are lost.',
  ),
  page_crashed: kind(410, 'The page crashed.', 'Close the page and open another one.'),
  stale_ref: kind(
    409,
    'The element of this ref is no longer in the page.',
    'Take a new snapshot and use a ref from it.',
  ),
  element_not_found: kind(409, 'No element fits the target.', 'Take a snapshot and use a ref from it.'),
  element_ambiguous: kind(409, 'More than one element fits the target.', 'Use a ref from a snapshot.'),
  element_not_ready: kind(
    409,
    'The element cannot be acted on now.',
    'Do what the detail says, or wait, and take a new snapshot.',
  ),
  address_refused: kind(403, 'This address may not be opened.', 'Use a public http or https address.'),
  page_unreachable: passing(
    502,
    'The address could not be loaded.',
    'Check the address; the detail says what happened.',
  ),
  script_failed: kind(422, 'The script threw an error.', 'Mend the script; the detail holds its error.'),
  result_too_large: kind(422, 'The result is too large.', 'Ask for less; the detail says the limit.'),
  page_busy: passing(429, 'The page is busy with other commands.', 'Send one command at a time to a page.'),
  page_limit: passing(429, 'The session has too many pages open.', 'Close a page first.'),
  session_limit: passing(429, 'The tenant has too many sessions open.', 'Close a session first.'),
  pool_busy: passing(503, 'Every browser is taken and the line is long.', 'Try again after Retry-After.'),
  browser_unavailable: passing(503, 'No browser could be started.', 'Try again after Retry-After.'),
  // The audit trail
  record_not_found: kind(
    404,
    'There is no such audit record.',
    'Check the id; a record can be read about two seconds after it was sent.',
  ),
  record_conflict: kind(
    409,
    'Another audit record of this tenant has this id.',
    'Use a new id for a new record; to repeat one, send it unchanged.',
  ),
  // How much is asked for
  rate_limited: passing(429, 'Too many requests.', 'Wait for the time in Retry-After.'),
  quota_exceeded: passing(429, 'A quota of this tenant is used up.', 'Wait, or ask for a larger quota.'),
  // Models and those who provide them
  model_not_found: kind(404, 'No provider here has this model.', 'GET /v1/models lists the models that can be asked.'),
  session_busy: passing(409, 'The session is answering another message.', 'Wait for that answer, then send it again.'),
  session_full: kind(409, 'The session can hold no more.', 'Go on in a new session.'),
  upstream_rejected: kind(400, 'The model provider refused the request.', 'Change what the model was asked or sent.'),
  upstream_limited: passing(429, 'The model provider limits our calls.', 'Wait for the time in Retry-After.'),
  upstream_credentials: kind(502, 'The model provider refused our key.', 'The operator must renew the provider key.'),
  upstream_failed: passing(502, 'The model provider did not complete the answer.', 'Send the request again.'),
  upstream_overloaded: passing(503, 'The model provider is overloaded.', 'Send it again after Retry-After.'),
  upstream_timeout: passing(504, 'The model provider was silent for too long.', 'Send it again, or ask for less.'),
  // What we stand on
  internal: passing(500, 'Something went wrong on our side.', 'Try again; report the requestId if it stays.'),
  store_unavailable: passing(503, 'A store this service needs is away.', 'Try again after Retry-After.'),
  outcome_unknown: passing(
    503,
    'The store went away before it answered, so this may or may not have happened.',
    'Send the same request again with the same Idempotency-Key.',
  ),
  durability_unavailable: passing(
    503,
    'The store cannot give the durability asked for.',
    'Ask for less, or send it again when the replicas are back. Nothing was kept.',
  ),
  audit_unavailable: passing(
    503,
    'The act was refused because its audit record could not be written.',
    'Try again after Retry-After.',
  ),
  draining: passing(503, 'This replica is shutting down.', 'Send the request again; another replica takes it.'),
  peer_unavailable: passing(503, 'Another service this one needs is away.', 'Try again after Retry-After.'),
  deadline_exceeded: passing(504, 'The work did not finish in time.', 'Try again, or allow more time.'),
  topic_full: kind(
    507,
    'The topic is full.',
    'Let its groups settle what it holds, or raise its limits; then send it again.',
  ),
  storage_full: kind(507, 'The storage is full.', 'Free space or raise the limit, then send it again.'),
} as const satisfies Record<string, FaultKind>

/** One code of the closed list. */
export type FaultCode = keyof typeof faults

/** One field that did not fit, as a 422 names it. */
export interface FieldError {
  /** Where: a JSON pointer that begins with body, query, params or headers. */
  path: string
  message: string
}

export interface FaultOptions {
  /** Public words for this one case; must hold no secret and no upstream text. */
  detail?: string
  /** What really happened; goes to the log, never to the caller. */
  cause?: unknown
  errors?: FieldError[]
  /** Becomes the Retry-After header, in whole seconds rounded up. */
  retryAfterMs?: number
  /** Further answer headers, such as Allow. */
  headers?: Record<string, string>
}

/** A failure with public words and a private cause. Thrown by verbs; the chassis answers it. */
export class Fault extends Error {
  readonly kind: FaultKind
  constructor(
    readonly code: FaultCode,
    readonly options: FaultOptions = {},
  ) {
    super(options.detail ?? faults[code].title, { cause: options.cause })
    this.name = 'Fault'
    this.kind = faults[code]
  }
}

/** The RFC 9457 body every error of every service has. */
export interface Problem {
  type: string
  title: string
  status: number
  detail: string
  code: FaultCode
  requestId: string
  retryable: boolean
  errors?: FieldError[]
}

/** The public face of a fault. Source: RFC 9457 §3. */
export function problemOf(fault: Fault, requestId: string): Problem {
  const { status, title, hint, retryable = false } = fault.kind
  return {
    type: `urn:santaclaude:problem:${fault.code}`,
    title,
    status,
    detail: `${fault.options.detail ?? title} ${hint}`,
    code: fault.code,
    requestId,
    retryable,
    ...(fault.options.errors ? { errors: fault.options.errors } : {}),
  }
}

const retryAfterDefaultMs: Record<number, number> = { 429: 1000, 503: 1000 }

/** The headers a fault answers with, beside its content type. */
export function faultHeaders(fault: Fault): Record<string, string> {
  const waitMs = fault.options.retryAfterMs ?? retryAfterDefaultMs[fault.kind.status]
  return {
    ...(waitMs === undefined ? {} : { 'retry-after': String(Math.max(1, Math.ceil(waitMs / 1000))) }),
    ...fault.options.headers,
  }
}
