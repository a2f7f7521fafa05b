import type { Logger } from '@santaclaude/service/log'

/** Whether Chromium's sandbox is on. Going without is a choice that is logged, for then a page's exploit runs as this user. */
export function sandboxed(
  wanted: 'auto' | 'true' | 'false',
  { uid, log }: { uid: number | undefined; log: Logger },
): boolean {
  const isOn = wanted === 'auto' ? uid !== 0 : wanted === 'true'
  if (!isOn)
    log.warn('browsers run without the sandbox of Chromium', {
      why: wanted === 'false' ? 'ENABLE_SANDBOX=false' : 'this process runs as root, where it cannot work',
    })
  return isOn
}
