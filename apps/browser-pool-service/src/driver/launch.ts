import type { LaunchOptions } from 'playwright-core'

export interface ChromiumSettings {
  /** The program itself, not a wrapper script. */
  path: string
  /** What this program needs in its environment. */
  env: Record<string, string>
  /** Chromium's own sandbox (user namespaces and seccomp). As root it cannot start with it. */
  isSandboxed: boolean
  /** A folder of ours for the temporary files of the browser. */
  scratchDir: string
  /** The value of `--host-resolver-rules`, `''` for none. */
  resolverRules: string
}

/**
 * How Chromium is started. DevTools stays on a pipe that only we hold, never on a port. The environment is made anew, so
 * no secret of ours is readable in the browser's process. Signals stay ours to handle: Playwright's own handlers would
 * close browsers at the start of our drain instead of at its end.
 */
export const launchOptions = (settings: ChromiumSettings, deadlineMs: number): LaunchOptions => ({
  executablePath: settings.path,
  chromiumSandbox: settings.isSandboxed,
  headless: true,
  timeout: deadlineMs,
  handleSIGINT: false,
  handleSIGTERM: false,
  handleSIGHUP: false,
  env: {
    PATH: '/usr/bin:/bin',
    LANG: 'C.UTF-8',
    HOME: settings.scratchDir,
    TMPDIR: settings.scratchDir,
    XDG_CONFIG_HOME: settings.scratchDir,
    XDG_CACHE_HOME: settings.scratchDir,
    ...settings.env,
  },
  args: [
    // Without it a page learns our addresses, and sends UDP past every rule, by WebRTC.
    '--force-webrtc-ip-handling-policy=disable_non_proxied_udp',
    '--webrtc-ip-handling-policy=disable_non_proxied_udp',
    // QUIC is UDP as well; one transport is easier to fence.
    '--disable-quic',
    '--no-pings',
    '--disable-domain-reliability',
    '--disable-crash-reporter',
    '--font-render-hinting=none',
    ...(settings.resolverRules ? [`--host-resolver-rules=${settings.resolverRules}`] : []),
  ],
})
