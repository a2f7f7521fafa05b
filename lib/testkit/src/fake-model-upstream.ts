import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropicEvents, anthropicMessage, anthropicModels } from './fake-model-upstream-anthropic.ts'
import { openaiCompletion, openaiEvents, openaiModels } from './fake-model-upstream-openai.ts'
import { type DialectReply, fill, type UpstreamFault, type UpstreamPlan } from './fake-model-upstream-plan.ts'

/** One call as the upstream received it. */
export interface UpstreamRequest {
  method: string
  path: string
  headers: Record<string, string>
  body: Record<string, unknown>
  /** Settles when the response is over: whether the client left before it was complete. */
  ended: Promise<'complete' | 'client_left' | 'destroyed'>
}

export interface FakeModelUpstream {
  /** `http://127.0.0.1:<port>`: the Anthropic base URL as it is, the OpenAI one with `/v1`. */
  url: string
  requests: UpstreamRequest[]
  /** Plans for the next calls, in order; when they are used up, calls get the default answer. */
  plan(...plans: UpstreamPlan[]): void
  close(): Promise<void>
}

/** A model provider on a free loopback port that speaks the OpenAI and the Anthropic wire format and fails on demand. */
export async function startFakeModelUpstream(): Promise<FakeModelUpstream> {
  const requests: UpstreamRequest[] = []
  const plans: UpstreamPlan[] = []
  const server = createServer((incoming, outgoing) => {
    answer({ incoming, outgoing, requests, plans }).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    plan: (...more) => void plans.push(...more),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

interface Exchange {
  incoming: IncomingMessage
  outgoing: ServerResponse
  requests: UpstreamRequest[]
  plans: UpstreamPlan[]
}

async function answer({ incoming, outgoing, requests, plans }: Exchange): Promise<void> {
  const text = await readText(incoming)
  const body = (text === '' ? {} : JSON.parse(text)) as Record<string, unknown>
  const path = (incoming.url ?? '').split('?')[0] ?? ''
  requests.push({
    method: incoming.method ?? '',
    path,
    headers: incoming.headers as Record<string, string>,
    body,
    ended: ending(outgoing),
  })

  if (path === '/v1/models') {
    const isAnthropic = incoming.headers['anthropic-version'] !== undefined
    return json(outgoing, 200, JSON.stringify(isAnthropic ? anthropicModels() : openaiModels()))
  }
  const isAnthropic = path === '/v1/messages'
  if (!isAnthropic && path !== '/v1/chat/completions')
    return json(outgoing, 404, '{"error":{"message":"no such path"}}')

  const plan = plans.shift() ?? {}
  const filled = fill(plan, body)
  const fault = plan.fault
  if (fault?.kind === 'hang') return
  if (fault?.kind === 'status') {
    const body = fault.body ?? JSON.stringify({ type: 'error', error: { type: 'api_error', message: 'scripted' } })
    return json(outgoing, fault.status, body, fault.headers)
  }
  if (fault?.kind === 'not_json') return json(outgoing, 200, '<html>gateway</html>')
  if (body.stream === true) {
    return stream(outgoing, isAnthropic ? anthropicEvents(filled, body) : openaiEvents(filled, body), fault)
  }
  if (fault?.kind === 'cut') {
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': '4000' })
    outgoing.write('{"id":')
    await tick()
    outgoing.destroy()
    return
  }
  json(outgoing, 200, JSON.stringify(isAnthropic ? anthropicMessage(filled, body) : openaiCompletion(filled, body)))
}

async function stream(outgoing: ServerResponse, { events, errorEvent }: DialectReply, fault?: UpstreamFault) {
  outgoing.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' })
  outgoing.flushHeaders()
  const stopsAt = fault && 'afterEvents' in fault ? fault.afterEvents : -1
  for (const [at, event] of events.entries()) {
    if (outgoing.destroyed) return
    if (fault && at === stopsAt && !(await strike(outgoing, fault, errorEvent))) return
    const text = fault?.kind === 'crlf' ? event.replaceAll('\n', '\r\n') : event
    if (fault?.kind === 'bytewise') for (const byte of Buffer.from(text)) await write(outgoing, Buffer.of(byte))
    else await write(outgoing, text)
  }
  outgoing.end()
}

/** Lets the fault happen; whether the stream goes on after it. */
async function strike(outgoing: ServerResponse, fault: UpstreamFault, errorEvent: (m: string) => string) {
  switch (fault.kind) {
    case 'cut':
      outgoing.destroy()
      return false
    case 'early_end':
      outgoing.end()
      return false
    case 'malformed':
      await write(outgoing, 'data: {"id":"x","choices":[{"delta":{"conte\n\n')
      return true
    case 'error_event':
      await write(outgoing, errorEvent(fault.message))
      outgoing.end()
      return false
    case 'comments': {
      const timer = setInterval(() => outgoing.write(': keep-alive\n\n'), 5)
      outgoing.on('close', () => clearInterval(timer))
      return false
    }
    case 'wait':
      await fault.until
      return true
    default:
      return false
  }
}

function ending(outgoing: ServerResponse): UpstreamRequest['ended'] {
  return new Promise((resolve) => {
    outgoing.on('close', () => {
      if (outgoing.writableFinished) return resolve('complete')
      resolve(outgoing.errored === null && outgoing.destroyed ? 'client_left' : 'destroyed')
    })
  })
}

async function readText(incoming: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of incoming) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

function json(outgoing: ServerResponse, status: number, body: string, headers: Record<string, string> = {}) {
  outgoing.writeHead(status, { 'content-type': 'application/json', 'request-id': 'req_upstream', ...headers })
  outgoing.end(body)
}

async function write(outgoing: ServerResponse, text: string | Uint8Array) {
  if (!outgoing.write(text)) await new Promise((resolve) => outgoing.once('drain', resolve).once('close', resolve))
  await tick()
}

const tick = () => new Promise((resolve) => setImmediate(resolve))
