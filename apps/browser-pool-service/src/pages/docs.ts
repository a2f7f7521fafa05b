const bytesOf = (...types: string[]) => ({
  responses: {
    200: {
      description: 'The bytes.',
      content: Object.fromEntries(
        types.map((type) => [type, { schema: { type: 'string' as const, format: 'binary' } }]),
      ),
    },
  },
})

/** What the document says about each route of a page. */
export const texts = {
  open: { summary: 'Open a page', description: 'An empty one. 429 `page_limit` when the session has too many.' },
  list: { summary: 'List the pages of a session', description: 'Those that pages opened by themselves included.' },
  close: { summary: 'Close a page', description: 'Works on pages that loop or have crashed, too.' },
  navigate: {
    summary: 'Open an address',
    description:
      'http and https only; 403 `address_refused` for file:, chrome:, data:, javascript: and for addresses out of reach of this service. 502 `page_unreachable` when it cannot be loaded, 504 `deadline_exceeded` when it takes too long.',
  },
  act: {
    summary: 'Click, type, select or press',
    description:
      'On an element named by the ref of a snapshot, by role and name, or by selector; waits until it can be acted on. When a document is loaded as a consequence it is there when the answer comes. 409 `stale_ref`: take a new snapshot. 409 `element_not_found`, `element_ambiguous`, `element_not_ready`: the detail says what is in the way.',
  },
  wait: { summary: 'Wait for something', description: '504 `deadline_exceeded` when it does not come true in time.' },
  evaluate: {
    summary: 'Run a script in the page',
    description:
      'Needs browser:admin, or a session opened with `allowEvaluate`. The script has the rights of the page and no more. 422 `script_failed` with its error; 422 `result_too_large` over a megabyte of JSON.',
  },
  snapshot: {
    summary: 'Read the page as text',
    description:
      'The accessibility tree, one element a line, each with a ref to act on. A ref stays good while its element is in the page; after a navigation all old ones are stale.',
  },
  screenshot: { summary: 'Take a screenshot', ...bytesOf('image/png', 'image/jpeg') },
  pdf: { summary: 'Print the page', ...bytesOf('application/pdf') },
}

/** Bytes as an answer. A page decides what is in them, so nobody may guess another type from their content. */
export const binary = (bytes: Uint8Array, type: string) =>
  new Response(bytes as Uint8Array<ArrayBuffer>, {
    headers: { 'content-type': type, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  })
