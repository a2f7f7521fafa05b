/** An exact event type, or the beginning of types: `ai.*` fits `ai.call.completed`, not `ai` and not `aim.taken`. */
export const typePattern = '^(\\*|[^\\s*]{1,254}(\\.\\*)?)$'

/** Whether an event type is wanted by any of the patterns; no pattern wants all. */
export function typeFilter(patterns: readonly string[]): (type: string) => boolean {
  if (patterns.length === 0 || patterns.includes('*')) return () => true
  const exact = new Set(patterns.filter((pattern) => !pattern.endsWith('.*')))
  const beginnings = patterns.filter((pattern) => pattern.endsWith('.*')).map((pattern) => pattern.slice(0, -1))
  return (type) => exact.has(type) || beginnings.some((beginning) => type.startsWith(beginning))
}
