import { PeerError } from '@santaclaude/service/client'
import { CliError, type Context, exitCodes, type Verb } from './context.ts'
import { jsonPrinter, linePrinter } from './demo/print.ts'
import { runTask } from './demo/run.ts'
import { openShops } from './demo/shops.ts'
import { startStack } from './stack.ts'

const defaultQuestion = 'Which kettle is the cheapest on these pages, and what does it cost?'

/**
 * Shows one real task through all five services. Words: the URLs to read (else the bundled shops), `--question <text>`,
 * `--json`. What runs already is used; what is started here is stopped at the end.
 */
export const demo: Verb = async (context, words) => {
  const { urls, question, isJson } = parse(words)
  const tell = isJson ? jsonPrinter(context) : linePrinter(context)
  const leave = new AbortController()
  const onSignal = () => leave.abort()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, onSignal)
  const stack = await startStack(withoutChatter(context, isJson), { adopt: true, signal: leave.signal })
  const shops = urls.length === 0 ? openShops() : undefined
  try {
    const work = runTask(stack, { question, pages: shops?.urls ?? urls }, tell)
    await Promise.race([work, interrupted(leave.signal)])
    return exitCodes.ok
  } catch (error) {
    throw error instanceof PeerError ? new CliError('failed', error.message) : error
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.off(signal, onSignal)
    await shops?.close()
    await stack.stop()
  }
}

function parse(words: string[]) {
  const urls: string[] = []
  let question = defaultQuestion
  let isJson = false
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? ''
    if (word === '--json') isJson = true
    else if (word === '--question') question = words[++at] ?? ''
    else if (/^https?:\/\//.test(word) && URL.canParse(word)) urls.push(new URL(word).href)
    else
      throw new CliError(
        'usage',
        `"${word}" is no http or https address. bun run demo [URL…] [--question <text>] [--json]`,
      )
  }
  if (question.trim() === '') throw new CliError('usage', '--question wants a text.')
  return { urls, question, isJson }
}

/** What the engines say while they are installed would break a reader of JSON lines. */
const withoutChatter = (context: Context, isJson: boolean): Context =>
  isJson ? { ...context, say: () => {} } : context

const interrupted = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new CliError('interrupted', 'Stopped.')), { once: true })
  })
