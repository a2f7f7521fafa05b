import { readFileSync } from 'node:fs'
import { pause, within } from '@santaclaude/kit/deadline'
import type { AnyElysia } from 'elysia'
import { ConfigError, type Configured, configure, houseSettings, type Setting } from './config.ts'
import { Drain } from './drain.ts'
import type { Host } from './host.ts'
import { type Logger, logger } from './log.ts'
import { metricsOf } from './metrics.ts'
import { serve } from './serve.ts'

const closeDeadlineMs = 5_000
/** What streams cut off at the deadline get to send their end event. */
const lastCallMs = 500

type Declared = Record<string, Setting<unknown>> & { port: Setting<number> }

/** What `run` hands to the function that builds the app. */
export interface Running<S extends Declared> {
  config: Configured<S> & Configured<typeof houseSettings> & { port: number }
  host: Host
  /** Keeps a thing open until the stop, then closes it; things close in the reverse order of opening. */
  own: Own
}

type Own = {
  <T extends { close(): unknown }>(thing: T): T
  <T>(thing: T, close: (thing: T) => unknown): T
}

/**
 * Runs one service: reads the settings, opens what it needs, listens, and on SIGTERM or SIGINT goes away in order -
 * `/ready` says so for `LAME_DUCK_MS`, streams get their end event, requests in flight get `DRAIN_MS`, then everything
 * owned is closed in reverse. `about` is the app's package.json. The one place that reads the environment, together with `main.ts`.
 */
export async function run<S extends Declared>(
  about: { name: string; version: string },
  declared: S,
  build: (running: Running<S>) => AnyElysia | Promise<AnyElysia>,
): Promise<void> {
  const { version } = about
  const name = about.name.replace(/^@.*\//, '')
  const config = read(name, declared)
  const log = logger({ service: name, level: config.logLevel, write: (lines) => void process.stdout.write(lines) })
  guard(log)
  const drain = new Drain()
  const host: Host = { log, drain, version, metrics: metricsOf(name), pepper: config.keyPepper?.reveal() ?? '' }
  const owned: (() => unknown)[] = []
  const own: Own = <T>(thing: T, close?: (thing: T) => unknown) => {
    owned.push(() => (close ? close(thing) : (thing as { close(): unknown }).close()))
    return thing
  }
  const closeAll = async () => {
    for (const close of owned.reverse())
      await within(closeDeadlineMs, 'closing', Promise.resolve(close())).catch((error) =>
        log.warn('did not close', { error }),
      )
  }
  try {
    const app = await build({ config, host, own })
    const server = serve(app, { hostname: config.bindHost, port: config.port })
    log.info('listening', { port: server.port, host: config.bindHost, version, pid: process.pid })
    await stopAsked()
    log.info('stopping', { inFlight: drain.inFlight })
    drain.announce()
    await pause(config.lameDuckMs)
    drain.endStreams()
    server.stop(false).catch(() => {})
    await within(config.drainMs, 'draining', drain.whenIdle()).catch(() => {
      log.warn('gave up waiting', { inFlight: drain.inFlight })
      drain.callLast()
      return within(lastCallMs, 'the last call', drain.whenIdle()).catch(() => {})
    })
    await within(1_000, 'stopping', server.stop(true)).catch(() => {})
  } catch (error) {
    log.error('could not run', { error })
    process.exitCode = 1
  }
  await closeAll()
  log.info('stopped')
  log.flush()
  process.exit()
}

function read<S extends Declared>(name: string, declared: S) {
  try {
    return configure({ ...houseSettings, ...declared }, process.env, (path) =>
      readFileSync(path, 'utf8'),
    ) as Running<S>['config']
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    process.stderr.write(`${name}: ${error.message}\n`)
    process.exit(78)
  }
}

/** Resolves at the first SIGTERM or SIGINT; a second one ends the process at once. Needed as PID 1, where Bun has no default. */
const stopAsked = () =>
  new Promise<void>((resolve) => {
    let asked = false
    const ask = () => {
      if (asked) process.exit(130)
      asked = true
      resolve()
    }
    process.on('SIGTERM', ask)
    process.on('SIGINT', ask)
  })

/** One stray rejection, such as a client that hung up mid-stream, must not take every other request down. */
function guard(log: Logger) {
  process.on('unhandledRejection', (error) => log.error('unhandled rejection', { error }))
  process.on('uncaughtException', (error) => log.error('uncaught exception', { error }))
}
