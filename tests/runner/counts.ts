export interface Counts {
  passed: number
  failed: number
  skipped: number
}

/**
 * The counts of a JUnit report as `bun test` writes it. A file that was to run and is not in the report (its import
 * threw, or the run was cut) counts as one failure and is named in `lost`.
 */
export function countsOf(junit: string, files: string[]): Counts & { lost: string[] } {
  const counts = { passed: 0, failed: 0, skipped: 0 }
  const seen = new Set<string>()
  for (const [tag] of junit.matchAll(/<testcase\b[^>]*>/g)) seen.add(/ file="([^"]*)"/.exec(tag)?.[1] ?? '')
  for (const [, , inner] of junit.matchAll(/<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g)) {
    if (inner?.includes('<failure') || inner?.includes('<error')) counts.failed++
    else if (inner?.includes('<skipped')) counts.skipped++
    else counts.passed++
  }
  const lost = files.filter((file) => !seen.has(file))
  return { ...counts, failed: counts.failed + lost.length, lost }
}

/** `12 passed, 0 failed`, and `, 3 skipped` when some were. */
export const countsLine = ({ passed, failed, skipped }: Counts) =>
  `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`
