// The page of the event bus: reads message-queue-service through this server, with a key that is never stored.
const bus = '/v1/peers/message-queue-service/v1'
const deadlineMs = 15_000
const topicsMax = 50
const lettersMax = 50
const stepMs = 1000

const find = (id) => document.getElementById(id)
const clock = (text) => new Date(text ?? Date.now()).toISOString().slice(11, 19)
const number = (value) => value.toLocaleString('en')

let key
/** The group whose dead letters are shown, and the redrive that was previewed for it. */
let chosen
let previewed

class Refused extends Error {}

/** The answer's JSON; throws the problem's own words. */
async function ask(path, { method = 'GET', body, headers = {} } = {}) {
  const response = await fetch(bus + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body ? { 'content-type': 'application/json' } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
    signal: AbortSignal.timeout(deadlineMs),
  })
  const answer = await response.json().catch(() => ({}))
  if (response.ok) return answer
  const words = answer.detail ?? `The server answered ${response.status}.`
  throw response.status === 401 ? new Refused(words) : new Error(words)
}

/** Does what a person asked for; a failure is said in the words of `fault`, a refused key signs out. */
const doing = (fault, work) => async (event) => {
  event?.preventDefault()
  find(fault).textContent = ''
  try {
    await work(event)
  } catch (error) {
    if (error instanceof Refused) signOut(error.message)
    else find(fault).textContent = error.name === 'TimeoutError' ? 'No answer came in time.' : error.message
  }
}

const groupPath = ({ topic, group }) => `/topics/${encodeURIComponent(topic)}/groups/${encodeURIComponent(group)}`

// --- Topics and groups ---

async function readTopics() {
  find('topics-words').textContent = 'Reading …'
  const { topics, next } = await ask(`/topics?limit=${topicsMax}`)
  const rows = await Promise.all(topics.map(topicRows))
  find('topic-rows').replaceChildren(...rows.flat())
  const more = next ? ` The first ${topicsMax} are shown.` : ''
  find('topics-words').textContent =
    topics.length === 0 ? 'No topic yet. Publish an event to make one.' : `Read at ${clock()} UTC.${more}`
}

async function topicRows({ topic }) {
  const at = `/topics/${encodeURIComponent(topic)}`
  const [{ events }, { groups }] = await Promise.all([ask(at), ask(`${at}/groups`)])
  const lags = await Promise.all(groups.map((one) => ask(`${groupPath(one)}/lag`)))
  const lines = groups.map((group, n) => groupRow(group, lags[n]))
  if (lines.length === 0) {
    const none = cell('td', 'none reads it', 'quiet')
    none.colSpan = 5
    lines.push(line(none))
  }
  const name = cell('th', topic)
  name.scope = 'rowgroup'
  const count = cell('td', events === undefined ? '–' : number(events), 'number')
  name.rowSpan = count.rowSpan = lines.length
  lines[0].prepend(name, count)
  return lines
}

function groupRow(group, lag) {
  const dead = cell('td', '', 'number')
  if (lag.dead === 0) dead.textContent = '0'
  else {
    const show = button(`${number(lag.dead)}`, `Show the ${lag.dead} dead letters of ${group.group} on ${group.topic}`)
    show.addEventListener(
      'click',
      doing('letters-fault', () => showLetters(group)),
    )
    dead.append(show)
  }
  const pending = lag.leased + lag.parked
  const name = cell('td', group.group)
  if (group.paused) name.append(' ', cell('small', 'paused'))
  const figures = [number(lag.events), number(lag.seconds), number(pending)].map((text) => cell('td', text, 'number'))
  return line(name, ...figures, dead)
}

// --- Dead letters ---

async function showLetters({ topic, group }) {
  chosen = { topic, group }
  find('letters').hidden = false
  find('letters-words').textContent = `What ${group} could not settle on ${topic}.`
  forgetPreview('')
  find('letters-title').focus()
  await readLetters()
}

async function readLetters() {
  const { deadLetters, next } = await ask(`${groupPath(chosen)}/dead-letters?limit=${lettersMax}`)
  find('letters-caption').textContent =
    deadLetters.length === 0 ? 'None is left.' : next ? `The newest ${lettersMax}.` : 'All of them, the newest first.'
  showRows(deadLetters)
}

const showRows = (letters) => find('letter-rows').replaceChildren(...letters.map(letterRow))

function letterRow({ event, reason, deliveries, deadAt, partition, streamId }) {
  const trace = button('Trace', `Trace event ${event.id}`)
  const { topic } = chosen
  trace.addEventListener(
    'click',
    doing('trace-fault', () => showTrace({ topic, id: event.id, at: `${partition}.${streamId}` })),
  )
  const last = document.createElement('td')
  last.append(trace)
  const id = cell('td', '')
  id.append(cell('code', event.id))
  return line(
    cell('td', event.type),
    id,
    cell('td', reason),
    cell('td', number(deliveries), 'number'),
    cell('td', clock(deadAt)),
    last,
  )
}

function which() {
  const types = find('which-types')
    .value.split(',')
    .map((type) => type.trim())
    .filter(Boolean)
  const reason = find('which-reason').value.trim()
  return { ...(types.length > 0 ? { types } : {}), ...(reason ? { reason } : {}) }
}

async function preview() {
  forgetPreview('Counting …')
  const wish = which()
  const { count, isCountComplete, sample } = await ask(`${groupPath(chosen)}/dead-letters/redrive`, {
    method: 'POST',
    body: { ...wish, dryRun: true },
  })
  const said = `${isCountComplete ? '' : 'at least '}${number(count)}`
  showRows(sample)
  find('letters-caption').textContent = sample.length === 0 ? 'Nothing fits.' : 'What would move first, ten at most.'
  find('redrive-words').textContent = `Nothing was moved. A redrive would move ${said} back to ${chosen.group}.`
  if (count === 0) return
  previewed = { wish, group: chosen }
  find('redrive').textContent = `Move ${said} now`
  find('redrive').hidden = false
}

function forgetPreview(words) {
  previewed = undefined
  find('redrive').hidden = true
  find('redrive-words').textContent = words
}

async function redrive() {
  const { wish, group } = previewed
  forgetPreview('Starting …')
  const at = `${groupPath(group)}/dead-letters/redrive`
  const headers = { 'idempotency-key': [...crypto.getRandomValues(new Uint8Array(16))].join('.') }
  let job = await ask(at, { method: 'POST', body: wish, headers })
  while (job.state === 'running' && key) {
    find('redrive-words').textContent = `Moved ${number(job.moved)} so far, at most ${job.ratePerSecond} a second.`
    await new Promise((resolve) => setTimeout(resolve, stepMs))
    job = await ask(`${at}s/${job.redrive}`)
  }
  find('redrive-words').textContent = `Moved ${number(job.moved)}. The redrive is ${job.state}.`
  await Promise.all([readLetters(), readTopics()])
}

// --- One event ---

async function showTrace({ topic, id, at }) {
  find('trace-topic').value = topic
  find('trace-id').value = id
  find('trace').hidden = true
  find('trace-words').textContent = 'Looking …'
  find('trace-title').focus()
  const place = at ? `?at=${encodeURIComponent(at)}` : ''
  const path = `/topics/${encodeURIComponent(topic)}/events/${encodeURIComponent(id)}/trace${place}`
  const found = await ask(path).catch((error) => {
    find('trace-words').textContent = ''
    throw error
  })
  find('trace-words').textContent =
    `${found.type}, published at ${clock(found.publishedAt)} UTC in partition ${found.partition}. ${found.groups.length === 0 ? 'No group reads this topic.' : ''}`
  find('trace-rows').replaceChildren(...found.groups.flatMap(traceRows))
  find('trace').hidden = found.groups.length === 0
}

function traceRows({ group, state, deliveries, reason, attempts }) {
  const lines = attempts.map((attempt) =>
    line(
      cell('td', number(attempt.deliveries), 'number'),
      cell('td', attempt.reason ? `${attempt.outcome}: ${attempt.reason}` : attempt.outcome),
      cell('td', clock(attempt.at)),
      cell('td', number(attempt.latencyMs), 'number'),
    ),
  )
  if (lines.length === 0) {
    const quiet = cell('td', reason ?? 'no attempt went wrong', 'quiet')
    quiet.colSpan = 3
    lines.push(line(cell('td', deliveries === undefined ? '–' : number(deliveries), 'number'), quiet))
  }
  const name = cell('th', group)
  name.scope = 'rowgroup'
  const now = cell('td', state)
  name.rowSpan = now.rowSpan = lines.length
  lines[0].prepend(name, now)
  return lines
}

// --- Parts ---

function cell(tag, text, className = '') {
  const made = document.createElement(tag)
  made.textContent = text
  made.className = className
  return made
}

function line(...cells) {
  const made = document.createElement('tr')
  made.append(...cells)
  return made
}

function button(text, label) {
  const made = cell('button', text)
  made.type = 'button'
  made.setAttribute('aria-label', label)
  return made
}

// --- The key ---

async function signIn(given) {
  key = given
  await readTopics()
  find('key').value = ''
  find('key-card').hidden = true
  find('events').hidden = false
  find('news').textContent = 'The topics are shown.'
}

function signOut(why) {
  key = undefined
  chosen = undefined
  forgetPreview('')
  for (const rows of ['topic-rows', 'letter-rows', 'trace-rows']) find(rows).replaceChildren()
  find('letters').hidden = true
  find('events').hidden = true
  find('key-card').hidden = false
  find('key-fault').textContent = why
  find('key').focus()
}

find('events-key-form').hidden = false
find('events-key-form').addEventListener(
  'submit',
  doing('key-fault', () => signIn(find('key').value.trim())),
)
find('again').addEventListener('click', doing('topics-fault', readTopics))
find('which-form').addEventListener('submit', doing('letters-fault', preview))
find('which-form').addEventListener('input', () => forgetPreview(''))
find('redrive').addEventListener('click', doing('letters-fault', redrive))
find('trace-form').addEventListener(
  'submit',
  doing('trace-fault', () => showTrace({ topic: find('trace-topic').value.trim(), id: find('trace-id').value.trim() })),
)
find('forget').addEventListener('click', () => signOut(''))
