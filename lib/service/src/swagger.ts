import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'

const types: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  png: 'image/png',
}

/** The files of swagger-ui-dist a page needs; nothing else of the package is served. */
export const swaggerFiles = [
  'swagger-ui-bundle.js',
  'swagger-ui-standalone-preset.js',
  'swagger-ui.css',
  'favicon-32x32.png',
] as const
export type SwaggerFile = (typeof swaggerFiles)[number]

const need = createRequire(import.meta.url)

/** Where a page finds one of the files. The version is in the address, as browsers keep the file for good. */
export const swaggerFileUrl = (name: SwaggerFile): string =>
  `/swagger/assets/${name}?v=${(need('swagger-ui-dist/package.json') as { version: string }).version}`

const folder = () => dirname(need.resolve('swagger-ui-dist/package.json'))
const packed = new Map<SwaggerFile, Promise<Uint8Array<ArrayBuffer>>>()
const squeeze = promisify(gzip)

/** One Swagger UI file, gzipped once per process and cacheable for good (see {@link swaggerFileUrl}). */
export async function swaggerFile(name: SwaggerFile): Promise<Response> {
  let bytes = packed.get(name)
  if (!bytes) {
    bytes = readFile(join(folder(), name))
      .then((raw) => squeeze(raw))
      .then((zipped) => new Uint8Array(zipped))
    packed.set(name, bytes)
    bytes.catch(() => packed.delete(name))
  }
  return new Response(await bytes, {
    headers: {
      'content-type': types[name.split('.').at(-1) as string] as string,
      'content-encoding': 'gzip',
      'cache-control': 'public, max-age=31536000, immutable',
      'x-content-type-options': 'nosniff',
    },
  })
}

/** What the page runs; a file of its own so that the content security policy needs no inline script. */
export const swaggerStart = (documents: { url: string; name: string }[]): string => `window.ui = SwaggerUIBundle({
  dom_id: '#swagger-ui',
  ${documents.length === 1 ? `url: ${JSON.stringify(documents[0]?.url)}` : `urls: ${JSON.stringify(documents)}`},
  deepLinking: true,
  // Not in local storage: whatever got into this origin would find the key there.
  persistAuthorization: false,
  tryItOutEnabled: true,
  validatorUrl: null,
  presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
  ${documents.length === 1 ? '' : "layout: 'StandaloneLayout',"}
})
`

/** The page at /swagger. Everything it loads comes from this service. */
export const swaggerPage = (title: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} API</title>
<link rel="icon" href="${swaggerFileUrl('favicon-32x32.png')}">
<link rel="stylesheet" href="${swaggerFileUrl('swagger-ui.css')}">
</head>
<body>
<div id="swagger-ui"></div>
<noscript><p>This page needs JavaScript. The document itself is at <a href="/swagger/json">/swagger/json</a>.</p></noscript>
<script src="${swaggerFileUrl('swagger-ui-bundle.js')}"></script>
<script src="${swaggerFileUrl('swagger-ui-standalone-preset.js')}"></script>
<script src="/swagger/start.js"></script>
</body>
</html>
`

export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
}
