import { join } from 'node:path'
import { isPortFree } from '@santaclaude/engines/ports'
import { pause } from '@santaclaude/kit/deadline'
import { type Child, startChild } from './child.ts'
import { CliError, type Context } from './context.ts'
import { type Engines, openEngines } from './engines.ts'
import { portHolder } from './port-holder.ts'
import { serviceEnv } from './service-env.ts'
import { portBaseOf, type ServiceInfo, servicesOf } from './services.ts'
import { openState, type State } from './state.ts'

const readyDeadlineMs = 60_000
const stopDeadlineMs = 12_000

/** The five services and what they stand on. */
export interface Stack {
  state: State
  engines: Engines
  services: ServiceInfo[]
  /** Names of services that ran before and are not ours to stop. */
  adopted: ReadonlySet<string>
  /** Ends one of our services and starts it again; resolves when it is ready. */
  restart(name: string): Promise<void>
  /** Ends everything we started, services first, and nothing else. May be called at any time, also while starting. */
  stop(): Promise<void>
}

export interface StackOptions {
  /** Take services that already answer as they are, rather than refuse their ports. */
  adopt?: boolean
  onLine?(service: string, line: string): void
  /** A service ended that nobody asked to end. */
  onDied?(death: { service: string; ended: number | string; lastLines: string[] }): void
  signal?: AbortSignal
}

/** Starts what is not running and waits until all of it is ready; on any failure stops what it started. */
export async function startStack(context: Context, options: StackOptions = {}): Promise<Stack> {
  const services = servicesOf(context)
  const adopted = new Set(options.adopt ? await answering(services) : [])
  const own = services.filter(({ name }) => !adopted.has(name))
  await refuseBusyPorts(own, context)
  const state = openState(context.dataDir)
  const children = new Map<string, Child>()
  const leaving = new Set<Child>()
  let engines: Engines | undefined
  let stopping: Promise<void> | undefined

  const endAll = async () => {
    await Promise.all([...children.values()].map((child) => end(child)))
    await engines?.redis?.stop()
  }
  const stop = () => {
    stopping ??= endAll()
    return stopping
  }
  const end = async (child: Child) => {
    leaving.add(child)
    await child.stop(stopDeadlineMs)
  }
  const start = (service: ServiceInfo, standing: Engines) => {
    const child = startChild({
      name: service.name,
      cmd: [process.execPath, service.mainPath],
      cwd: context.root,
      env: serviceEnv(context, { state, engines: standing, services }, service),
      logPath: join(state.logsDir, `${service.name}.log`),
      onLine: (line) => options.onLine?.(service.name, line),
    })
    children.set(service.name, child)
    child.ended.then((ended) => {
      if (leaving.has(child)) return
      options.onDied?.({ service: service.name, ended, lastLines: child.lastLines(8) })
    })
    return untilReady(service, child)
  }

  const abort = () => void stop()
  options.signal?.addEventListener('abort', abort, { once: true })
  try {
    const standing = await openEngines(context, state)
    engines = standing
    if (options.signal?.aborted) throw new CliError('interrupted', 'Stopped while starting.')
    await Promise.all(own.map((service) => start(service, standing)))
    return {
      state,
      engines: standing,
      services,
      adopted,
      stop,
      async restart(name) {
        const service = own.find((one) => one.name === name)
        const child = children.get(name)
        if (!service || !child) throw new CliError('usage', `${name} was not started here.`)
        await end(child)
        await start(service, standing)
      },
    }
  } catch (error) {
    if (stopping) await stopping
    // The engines may have come up after the stop was asked for.
    await endAll()
    throw options.signal?.aborted ? new CliError('interrupted', 'Stopped while starting.') : error
  }
}

async function answering(services: ServiceInfo[]): Promise<string[]> {
  const names = await Promise.all(
    services.map(async ({ name, url }) => {
      try {
        const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(2_000) })
        return ((await response.json()) as { service?: string }).service === name ? [name] : []
      } catch {
        return []
      }
    }),
  )
  return names.flat()
}

async function refuseBusyPorts(services: ServiceInfo[], context: Context): Promise<void> {
  const free = await Promise.all(services.map(({ port }) => isPortFree(port)))
  const busy = services.filter((_, index) => !free[index])
  if (busy.length === 0) return
  const lines = busy.map(({ name, port }) => {
    const holder = portHolder(port)
    const who = holder ? `process ${holder.pid} (${holder.command.slice(0, 100)})` : 'a process we may not see'
    return `Port ${port} for ${name} is held by ${who}.`
  })
  const base = await freeBase(portBaseOf(context.env), services.length)
  throw new CliError('portBusy', [...lines, `Stop it, or use other ports: PORT_BASE=${base} bun run dev`].join('\n'))
}

/** The next hundred at which all ports are free. */
async function freeBase(from: number, count: number): Promise<number> {
  for (let base = from + 100; base < 65_000; base += 100) {
    const free = await Promise.all(Array.from({ length: count }, (_, offset) => isPortFree(base + offset)))
    if (free.every(Boolean)) return base
  }
  return from + 1000
}

async function untilReady({ name, url }: ServiceInfo, child: Child): Promise<void> {
  const endMs = Date.now() + readyDeadlineMs
  let last = 'no answer'
  while (!child.hasEnded) {
    if (Date.now() > endMs)
      throw new CliError('notReady', `${name} was not ready after ${readyDeadlineMs / 1000} s: ${last}`)
    try {
      const response = await fetch(`${url}/ready`, { signal: AbortSignal.timeout(3_000) })
      last = await response.text()
      if (response.ok) return
    } catch {
      // Not listening yet.
    }
    await pause(25)
  }
  const ended = await child.ended
  throw new CliError(
    'serviceDied',
    [`${name} ended while starting (${ended}). Its last lines:`, ...child.lastLines(8).map((line) => `  ${line}`)].join(
      '\n',
    ),
  )
}
