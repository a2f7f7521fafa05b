import type { HealthState } from '../peers/probe.ts'
import { type Html, html } from '../web/html.ts'
import { layout, type PageFiles } from '../web/layout.ts'
import type { EngineHealth } from './engines.ts'
import { sparkline } from './sparkline.ts'
import type { ServiceHealth, StatusView } from './view.ts'

const roles: Record<ServiceHealth['name'], string> = {
  'projectflow-ai': 'Keys, this page, the API explorer',
  'ai-service': 'Models, chat and sessions',
  'browser-pool-service': 'Browsers for agents',
  'audit-sink-service': 'The record of every act',
  'message-queue-service': 'Topics, groups and live events',
}

const words: Record<HealthState, string> = { ready: 'Ready', failing: 'Not ready', away: 'No answer' }

const signs: Record<HealthState, string> = {
  ready: 'M3 8.5l3.5 3.5L13 4.5',
  failing: 'M8 3v6M8 12.6v.4',
  away: 'M4 4l8 8M12 4l-8 8',
}

export interface StatusPageParts {
  view: StatusView
  version: string
  files: PageFiles
  /** Probes a full history holds, so that a young chart is not stretched. */
  historyMax: number
}

/** The status page. Complete without the script; with it, the part `#health` is read again and queues are shown live. */
export function statusPage({ view, version, files, historyMax }: StatusPageParts): string {
  return layout({
    title: `${view.state === 'ready' ? 'Ready' : 'Not ready'} · Santaclaude status`,
    version,
    files,
    here: 'status',
    main: html`<h1>Status</h1>
<p class="quiet bar" id="live" hidden><span id="live-words">Read again every few seconds.</span> <button type="button" id="pause" aria-pressed="false">Pause updates</button></p>
<p id="news" class="hidden" role="status"></p>
<div id="health">
${health(view, historyMax)}
</div>
${queues}`,
  })
}

function health(view: StatusView, historyMax: number): Html {
  return html`<section class="card" aria-label="Summary">
<p data-live="summary" data-state="${view.state}" class="banner ${view.state}"><strong id="summary">${summary(view)}</strong></p>
<p class="quiet"><span data-live="time">Checked at <time datetime="${view.checkedAt}">${view.checkedAt.slice(11, 19)} UTC</time>.</span> <a href="/">Check again</a></p>
</section>
<section class="card" aria-labelledby="services-title">
<h2 id="services-title">Services</h2>
<ul class="services" role="list">${view.services.map((service) => serviceItem(service, historyMax))}</ul>
</section>
<section class="card" aria-labelledby="engines-title">
<h2 id="engines-title">Engines</h2>
<dl class="facts">${view.engines.map(engineRow)}</dl>
</section>`
}

function summary({ services }: StatusView): string {
  const unwell = services.filter(({ state }) => state !== 'ready')
  if (unwell.length === 0) return `All ${services.length} services are ready.`
  return `${unwell.map(({ name, state }) => `${name}: ${words[state].toLowerCase()}`).join('. ')}.`
}

const badge = (state: HealthState) =>
  html`<span class="state ${state}"><svg viewBox="0 0 16 16" aria-hidden="true" focusable="false"><path d="${signs[state]}"/></svg>${words[state]}</span>`

function serviceItem(service: ServiceHealth, historyMax: number): Html {
  const { name, state, failing, history } = service
  return html`<li>
<div><h3>${name}</h3><p class="quiet">${roles[name]}. <a href="${explorerOf(name)}">API<span class="hidden"> of ${name}</span></a></p></div>
<div data-live="${name} state" data-service="${name}" data-state="${state}">${badge(state)}${failing.length > 0 && html`<p>Without: ${failing.join(', ')}</p>`}</div>
<div data-live="${name} history">${sparkline(
    history.map((point) => ({ value: point.tookMs, ok: point.state === 'ready' })),
    historyMax,
  )}<p class="quiet">${historyWords(service)}</p>
<details><summary>Probes of ${name} as a table</summary><div class="scroll" tabindex="0" role="region" aria-label="Probes of ${name}"><table>
<thead><tr><th scope="col">Time, UTC</th><th scope="col">Found</th><th scope="col" class="number">Took, ms</th></tr></thead>
<tbody>${[...history].reverse().map((point) => html`<tr><td>${point.at.slice(11, 19)}</td><td>${words[point.state]}</td><td class="number">${point.tookMs}</td></tr>`)}</tbody>
</table></div></details></div>
</li>`
}

/** The chart in words. */
function historyWords({ state, history, tookMs }: ServiceHealth): string {
  const missed = history.filter(({ state }) => state !== 'ready').length
  const longest = Math.max(0, ...history.map((point) => point.tookMs))
  const now = state === 'away' ? `Gave up after ${tookMs} ms` : `Answered in ${tookMs} ms`
  return `${now}; at most ${longest} ms. ${missed === 0 ? 'None' : missed} of ${history.length} probes failed.`
}

const explorerOf = (name: ServiceHealth['name']) => `/swagger?urls.primaryName=${name}`

const engineRow = ({ name, state, seenBy }: EngineHealth) =>
  html`<dt>${name}</dt><dd data-live="${name}" data-engine="${name}" data-state="${state}">${badge(state)} <span class="quiet">${engineWords(seenBy)}</span></dd>`

function engineWords(seenBy: EngineHealth['seenBy']): string {
  if (seenBy.length === 0) return 'No service that uses it can be asked.'
  const missing = seenBy.filter(({ works }) => !works).map(({ service }) => service)
  if (missing.length > 0) return `Not usable from ${missing.join(', ')}.`
  return `Used by ${seenBy.map(({ service }) => service).join(', ')}.`
}

const queues = html`<section class="card stack" aria-labelledby="queues-title">
<h2 id="queues-title">Queues</h2>
<noscript><p>Depth and lag need an API key: <code>curl -H "Authorization: Bearer $KEY" localhost:8000/v1/status</code></p></noscript>
<form id="key-form" hidden>
<label>API key <input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required pattern="sc_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}" aria-describedby="key-help"></label>
<button>Show queues</button>
</form>
<p class="quiet" id="key-help" hidden>Depth and lag belong to a tenant, so they need a key with the scope projects:use. It stays in this tab's memory and goes only to this server.</p>
<p class="fault" id="key-fault" role="alert"></p>
<div id="queues" class="stack" hidden>
<div class="scroll" tabindex="0" role="region" aria-label="Topics and their groups"><table>
<caption class="quiet" id="queues-words"></caption>
<thead><tr><th scope="col">Topic</th><th scope="col" class="number">Partitions</th><th scope="col" class="number">Events kept</th><th scope="col">Group</th><th scope="col" class="number">Lag</th><th scope="col" class="number">Unsettled</th><th scope="col" class="number">Dead</th></tr></thead>
<tbody id="queue-rows"></tbody>
</table></div>
<p><button type="button" id="forget">Forget the key</button></p>
</div>
</section>`
