import type { SwaggerFile } from '@santaclaude/service/swagger'
import { html } from '../web/html.ts'
import { layout, type PageFiles } from '../web/layout.ts'

/** One entry of the selector. */
export interface DocumentLink {
  name: string
  url: string
}

export interface ExplorerParts {
  version: string
  files: PageFiles
  documents: readonly DocumentLink[]
  /** The address of a file of Swagger UI. */
  asset: (name: SwaggerFile) => string
}

/** The one page for all five APIs. Swagger UI itself comes from this service. */
export const explorerPage = ({ version, files, documents, asset }: ExplorerParts): string =>
  layout({
    title: 'API explorer · Santaclaude',
    version,
    files,
    here: 'swagger',
    head: html`<link rel="stylesheet" href="${asset('swagger-ui.css')}">
<script src="${asset('swagger-ui-bundle.js')}" defer></script>
<script src="${asset('swagger-ui-standalone-preset.js')}" defer></script>
<script src="/swagger/start.js" defer></script>`,
    main: html`<h1>API explorer</h1>
<p class="quiet">Choose a service, press <b>Authorize</b> and paste a key to try its routes. A call goes through this server to the service, with your key and no other. The key stays in this tab and is gone when you close it.</p>
<noscript><p>The explorer needs JavaScript. The documents do not: ${documents.map(({ name, url }) => html`<a href="${url}">${name}</a> `)}</p></noscript>
<div id="swagger-ui"></div>`,
  })

/**
 * What the page runs, as a file of its own so that the policy needs no inline script. The key is not persisted: nothing
 * that ever got into this origin shall find one there.
 */
export const explorerStart = (
  documents: readonly DocumentLink[],
): string => `document.documentElement.classList.toggle('dark-mode', matchMedia('(prefers-color-scheme: dark)').matches)
// Choosing another document empties the authorizations; one key serves all five, so it is kept, in memory.
const keepKey = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        restoreAuthorization: (restore) => (given) => (Object.keys(given.authorized).length > 0 ? restore(given) : undefined),
      },
    },
  },
})
window.ui = SwaggerUIBundle({
  dom_id: '#swagger-ui',
  urls: ${JSON.stringify(documents)},
  deepLinking: true,
  persistAuthorization: false,
  tryItOutEnabled: true,
  displayRequestDuration: true,
  validatorUrl: null,
  plugins: [keepKey],
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  layout: 'StandaloneLayout',
})
`
