import { html } from '../web/html.ts'
import { layout, type PageFiles } from '../web/layout.ts'

/**
 * The page of the event bus. Everything on it belongs to a tenant, so without the script there is only the way to ask
 * by hand; with it and a key, the figures are read from message-queue-service through this server.
 */
export function eventsPage({ version, files }: { version: string; files: PageFiles }): string {
  return layout({
    title: 'Events · Santaclaude',
    version,
    files,
    here: 'events',
    head: html`<script type="module" src="${files.eventsJs}"></script>`,
    main: html`<h1>Events</h1>
<p id="news" class="hidden" role="status"></p>
${keyCard}
<div id="events" class="stack" hidden>
${topics}
${letters}
${trace}
</div>`,
  })
}

const keyCard = html`<section class="card stack" id="key-card" aria-labelledby="key-title">
<h2 id="key-title">Your key</h2>
<noscript><p>Topics belong to a tenant, so they need an API key: <code>curl -H "Authorization: Bearer $KEY" localhost:8004/v1/topics</code></p></noscript>
<form id="events-key-form" hidden>
<label>API key <input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required pattern="sc_[0-9A-Za-z]{12}_[0-9A-Za-z]{32}" aria-describedby="key-help"></label>
<button>Show topics</button>
</form>
<p class="quiet" id="key-help">Reading needs a key with the scope events:consume; moving dead letters needs events:admin too. It stays in this tab's memory and goes only to this server.</p>
<p class="fault" id="key-fault" role="alert"></p>
</section>`

const topics = html`<section class="card stack" aria-labelledby="topics-title">
<h2 id="topics-title">Topics and groups</h2>
<p class="quiet bar"><span id="topics-words"></span> <span><button type="button" id="again">Read again</button> <button type="button" id="forget">Forget the key</button></span></p>
<div class="scroll" tabindex="0" role="region" aria-label="Topics and their groups"><table>
<thead><tr><th scope="col">Topic</th><th scope="col" class="number">Events kept</th><th scope="col">Group</th><th scope="col" class="number">Lag, events</th><th scope="col" class="number">Lag, seconds</th><th scope="col" class="number">Pending</th><th scope="col" class="number">Dead letters</th></tr></thead>
<tbody id="topic-rows"></tbody>
</table></div>
<p class="fault" id="topics-fault" role="alert"></p>
</section>`

const letters = html`<section class="card stack" aria-labelledby="letters-title">
<h2 id="letters-title" tabindex="-1">Dead letters</h2>
<p class="quiet" id="letters-words">Choose a group above to see what it could not settle.</p>
<div id="letters" class="stack" hidden>
<form id="which-form">
<label>Types <input id="which-types" autocomplete="off" placeholder="shop.order.*, shop.paid" maxlength="2048"></label>
<label>Reason holds <input id="which-reason" autocomplete="off" placeholder="timeout" maxlength="1024"></label>
<button>Preview redrive</button>
</form>
<div class="scroll" tabindex="0" role="region" aria-label="The letters of the group"><table>
<caption class="quiet" id="letters-caption"></caption>
<thead><tr><th scope="col">Type</th><th scope="col">Id</th><th scope="col">Reason</th><th scope="col" class="number">Deliveries</th><th scope="col">Died, UTC</th><th scope="col">Trace</th></tr></thead>
<tbody id="letter-rows"></tbody>
</table></div>
<p class="bar"><strong id="redrive-words" role="status"></strong> <button type="button" id="redrive" hidden></button></p>
<p class="fault" id="letters-fault" role="alert"></p>
</div>
</section>`

const trace = html`<section class="card stack" aria-labelledby="trace-title">
<h2 id="trace-title" tabindex="-1">One event</h2>
<form id="trace-form">
<label>Topic <input id="trace-topic" required autocomplete="off" maxlength="64"></label>
<label>Event id <input id="trace-id" required autocomplete="off" spellcheck="false" maxlength="256"></label>
<button>Trace</button>
</form>
<p class="quiet" id="trace-words" role="status">What became of it in every group of its topic.</p>
<div class="scroll" id="trace" tabindex="0" role="region" aria-label="What became of the event" hidden><table>
<thead><tr><th scope="col">Group</th><th scope="col">State</th><th scope="col" class="number">Delivery</th><th scope="col">Outcome</th><th scope="col">At, UTC</th><th scope="col" class="number">After, ms</th></tr></thead>
<tbody id="trace-rows"></tbody>
</table></div>
<p class="fault" id="trace-fault" role="alert"></p>
</section>`
