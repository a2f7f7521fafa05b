import { type Html, html, raw } from './html.ts'

/** The addresses of the files every page loads, each with its content's hash. */
export interface PageFiles {
  css: string
  js: string
  /** Loaded by the page of the event bus only. */
  eventsJs: string
  icon: string
}

export interface PageParts {
  title: string
  version: string
  files: PageFiles
  /** Which entry of the menu this page is. */
  here: 'status' | 'events' | 'swagger'
  main: Html
  /** Further links and scripts. */
  head?: Html
}

/** A whole page: one style sheet, one script at its end, nothing from elsewhere. */
export function layout({ title, version, files, here, main, head }: PageParts): string {
  const current = (name: PageParts['here']) => (name === here ? raw(' aria-current="page"') : undefined)
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="${files.icon}" type="image/svg+xml">
<link rel="stylesheet" href="${files.css}">
<script src="${files.js}" defer></script>
${head}
</head>
<body>
<a class="skip" href="#main">Skip to content</a>
<header class="top">
<a class="brand" href="/">${mark}<span>Santaclaude</span> <small>${version}</small></a>
<nav aria-label="Main"><ul>
<li><a href="/"${current('status')}>Status</a></li>
<li><a href="/events"${current('events')}>Events</a></li>
<li><a href="/swagger"${current('swagger')}>API explorer</a></li>
</ul></nav>
</header>
<main id="main">
${main}
</main>
</body>
</html>
`.text
}

const mark = raw(
  '<svg class="mark" viewBox="0 0 32 32" width="28" height="28" aria-hidden="true" focusable="false"><path d="M4 23 18 5c5-1 9 3 8 8l-3 10Z"/><circle cx="27" cy="14" r="3.5"/><rect x="2" y="22" width="25" height="6" rx="3"/></svg>',
)
