// What the status page does beyond its HTML: reads #health again every few seconds, and with a key shows queues live.
const everyMs = 5000
const deadlineMs = 8000
const retryMs = 3000

const find = (id) => document.getElementById(id)
const clock = () => new Date().toISOString().slice(11, 19)

// --- Health: the page itself is the source, so its markup is written in one place only. ---

let isPaused = false

async function readHealthAgain() {
  const response = await fetch('/', { headers: { accept: 'text/html' }, signal: AbortSignal.timeout(deadlineMs) })
  if (!response.ok) throw new Error(`status ${response.status}`)
  const fresh = new DOMParser().parseFromString(await response.text(), 'text/html')
  const before = find('summary').textContent
  for (const part of document.querySelectorAll('[data-live]')) {
    const newer = fresh.querySelector(`[data-live="${part.dataset.live}"]`)
    if (!newer || newer.innerHTML === part.innerHTML || isInUse(part)) continue
    part.className = newer.className
    part.dataset.state = newer.dataset.state ?? ''
    part.replaceChildren(...newer.childNodes)
  }
  const after = find('summary').textContent
  if (after !== before) find('news').textContent = after
  document.title = fresh.title
}

// A table somebody has open, or a link that has the focus, is left as it is.
const isInUse = (part) => part.contains(document.activeElement) || part.querySelector('details[open]') !== null

async function keepHealthFresh() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, everyMs))
    if (isPaused || document.hidden) continue
    try {
      await readHealthAgain()
      find('live-words').textContent = `Read again at ${clock()} UTC, and every ${everyMs / 1000} seconds.`
    } catch {
      find('live-words').textContent =
        `No answer at ${clock()} UTC. What you see is the last known state; trying again.`
    }
  }
}

function pauseOrGoOn({ target }) {
  isPaused = !isPaused
  target.setAttribute('aria-pressed', String(isPaused))
  find('live-words').textContent = isPaused ? `Paused at ${clock()} UTC.` : 'Reading again.'
}

// --- Queues: server-sent events with the key in a header, which EventSource cannot send. The key is never stored. ---

let following

class Refused extends Error {}

async function* statusEvents(key, signal) {
  const response = await fetch('/v1/status/stream', { headers: { authorization: `Bearer ${key}` }, signal })
  if (response.status === 401 || response.status === 403) {
    const problem = await response.json().catch(() => ({}))
    throw new Refused(problem.detail ?? 'The key was refused.')
  }
  if (!response.ok) throw new Error(`status ${response.status}`)
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    const blocks = (rest + value).split('\n\n')
    rest = blocks.pop()
    for (const block of blocks) {
      const lines = block.split('\n')
      const data = lines.filter((line) => line.startsWith('data: ')).map((line) => line.slice(6))
      if (lines.includes('event: status')) yield JSON.parse(data.join('\n'))
    }
  }
}

async function follow(key) {
  following?.abort()
  following = new AbortController()
  const { signal } = following
  while (!signal.aborted) {
    try {
      for await (const status of statusEvents(key, signal)) if (!isPaused) showQueues(status)
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof Refused) return signOut(error.message)
    }
    if (signal.aborted) return
    find('queues-words').textContent =
      `The stream ended at ${clock()} UTC. These are the last known figures; trying again.`
    await new Promise((resolve) => setTimeout(resolve, retryMs))
  }
}

function showQueues({ queues, checkedAt }) {
  find('key-form').hidden = true
  find('key-help').hidden = true
  find('key-fault').textContent = ''
  find('queues').hidden = false
  find('queues-words').textContent =
    queues.length === 0
      ? 'No topic yet. The first event a service emits makes one.'
      : `Live. Last change at ${checkedAt.slice(11, 19)} UTC.`
  const rows = queues.flatMap((queue) => {
    const groups = queue.groups.length > 0 ? queue.groups : [undefined]
    return groups.map((group, index) => row(queue, group, index === 0 ? groups.length : 0))
  })
  find('queue-rows').replaceChildren(...rows)
}

function row(queue, group, span) {
  const line = document.createElement('tr')
  if (span > 0) {
    const name = cell('th', queue.topic)
    name.scope = 'rowgroup'
    if (queue.tenant === 'sc') name.append(' ', cell('small', 'platform'))
    const first = [name, cell('td', queue.partitions, 'number'), cell('td', queue.events, 'number')]
    for (const part of first) part.rowSpan = span
    line.append(...first)
  }
  if (group) {
    line.append(cell('td', group.name), cell('td', group.ready, 'number'), cell('td', group.unsettled, 'number'))
    line.append(cell('td', group.dead, 'number'))
  } else {
    const none = cell('td', 'none reads it', 'quiet')
    none.colSpan = 4
    line.append(none)
  }
  return line
}

function cell(tag, text, className = '') {
  const made = document.createElement(tag)
  made.textContent = typeof text === 'number' ? text.toLocaleString('en') : text
  made.className = className
  return made
}

function signOut(why) {
  following?.abort()
  find('queues').hidden = true
  find('key-form').hidden = false
  find('key-help').hidden = false
  find('key').value = ''
  find('key-fault').textContent = why
}

function signIn(event) {
  event.preventDefault()
  follow(find('key').value.trim())
}

// A link that ends in #key=sc_… signs in. The fragment is never sent anywhere, and leaves the address at once.
function keyFromAddress() {
  const key = /^#key=(sc_\w+)$/.exec(location.hash)?.[1]
  if (!key) return
  history.replaceState(null, '', location.pathname + location.search)
  follow(key)
}

if (find('health')) {
  find('live').hidden = false
  find('key-form').hidden = false
  find('key-help').hidden = false
  find('pause').addEventListener('click', pauseOrGoOn)
  find('key-form').addEventListener('submit', signIn)
  find('forget').addEventListener('click', () => signOut(''))
  keyFromAddress()
  keepHealthFresh()
}
