const policy = (styles: string) =>
  `default-src 'none'; script-src 'self'; style-src ${styles}; img-src 'self' data:; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`

/**
 * Headers of every page. The policy allows our own files and nothing else: no inline script or style, no frame, no
 * form that leaves, no request to another origin.
 */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': policy("'self'"),
  'cross-origin-opener-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}

/** The same for the API explorer: Swagger UI writes style attributes into its markup. Scripts stay as strict. */
export const explorerHeaders = { ...pageHeaders, 'content-security-policy': policy("'self' 'unsafe-inline'") }
