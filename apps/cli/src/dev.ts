import { CliError, type Context, exitCodes, type Verb } from './context.ts'
import { readKeys } from './keyboard.ts'
import { modelLine } from './model-line.ts'
import { factsLine, keyLine, screenOf } from './screen.ts'
import { type Stack, startStack } from './stack.ts'
import { versionOf } from './version.ts'

/** Starts everything, shows one screen, and stops everything at `q`, Ctrl-C or SIGTERM. */
export const dev: Verb = async (context) => {
  const startMs = performance.now()
  const leave = leaveOnSignals()
  const tell = teller(context)
  const stack = await startStack(context, { signal: leave.signal, onLine: tell.line, onDied: tell.died })
  try {
    const readyMs = Math.round(performance.now() - startMs)
    const facts = { version: versionOf(context), readyMs, model: modelLine(context.env) }
    if (!context.isTty) context.say(factsLine(stack, facts))
    else for (const line of screenOf(stack, facts, context)) context.say(line)
    if (context.isTty) readKeys(keysOf({ context, stack, tell, leave }), leave)
    await aborted(leave.signal)
    if (context.isTty) context.say('Stopping…')
  } finally {
    await stack.stop()
  }
  context.say(context.isTty ? 'Stopped.' : JSON.stringify({ event: 'stopped' }))
  return exitCodes.ok
}

/** How long after the first signal another Ctrl-C means: at once. npx hands one Ctrl-C on twice. */
const insistAfterMs = 1_000

function leaveOnSignals(): AbortController {
  const leave = new AbortController()
  let askedAtMs = 0
  const onSignal = (signal: NodeJS.Signals) => {
    const insists = askedAtMs > 0 && performance.now() - askedAtMs > insistAfterMs
    if (insists && signal === 'SIGINT') process.exit(exitCodes.interrupted)
    askedAtMs ||= performance.now()
    leave.abort()
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => onSignal(signal))
  return leave
}

/** Says what happens after the start: a death always, log lines when asked for. */
function teller({ isTty, say }: Context) {
  const tell = {
    showsLogs: false,
    line: (service: string, line: string) => {
      if (tell.showsLogs) say(`${service.padEnd(22)} ${line}`)
    },
    died: (death: { service: string; ended: number | string; lastLines: string[] }) => {
      if (!isTty) return say(JSON.stringify({ event: 'died', ...death }))
      say(`\n${death.service} ended (${death.ended}). Its last lines:`)
      for (const line of death.lastLines) say(`  ${line}`)
      say('Press r to start it again, q to quit.')
    },
  }
  return tell
}

interface Desk {
  context: Context
  stack: Stack
  tell: ReturnType<typeof teller>
  leave: AbortController
}

/** What each key does; `r` waits for the number of a service. */
function keysOf({ context, stack, tell, leave }: Desk): (key: string) => Promise<void> {
  const { say } = context
  let isChoosing = false
  return async (key) => {
    if (isChoosing) {
      isChoosing = false
      const service = stack.services[Number(key)]
      if (!service) return say('None restarted.')
      say(`Restarting ${service.name}…`)
      try {
        await stack.restart(service.name)
        say(`${service.name} is ready.`)
      } catch (error) {
        say(error instanceof CliError ? error.message : Bun.inspect(error))
      }
      return
    }
    if (key === 'q' || key === '\u0003' || key === '\u0004') return leave.abort()
    if (key === 'l') {
      tell.showsLogs = !tell.showsLogs
      return say(tell.showsLogs ? 'Showing logs; l hides them.' : 'Logs hidden.')
    }
    if (key === 'r') {
      isChoosing = true
      return say(`Restart which? ${stack.services.map(({ name }, index) => `${index} ${name}`).join('  ')}`)
    }
    if (key === 'd') {
      const { demo } = await import('./demo.ts')
      await demo(context, []).catch((error) => say(error instanceof CliError ? error.message : Bun.inspect(error)))
      say(`\n${keyLine}`)
    }
  }
}

const aborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    if (signal.aborted) return resolve()
    signal.addEventListener('abort', () => resolve(), { once: true })
  })
