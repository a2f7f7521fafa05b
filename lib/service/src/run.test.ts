import { afterEach, expect, test } from 'bun:test'
import { readSse } from '@santaclaude/kit/sse'

const started: Bun.Subprocess<'ignore', 'pipe', 'pipe'>[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})

/** Starts the fixture and waits for its log to say where it listens. */
async function start(environment: Record<string, string> = {}) {
  const child = Bun.spawn([process.execPath, `${import.meta.dir}/run.fixture.ts`], {
    env: { PATH: '/usr/bin', PORT: '0', ...environment },
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
  })
  started.push(child)
  const lines: Record<string, unknown>[] = []
  const seen = Promise.withResolvers<number>()
  const reading = (async () => {
    let rest = ''
    for await (const chunk of child.stdout) {
      rest += new TextDecoder().decode(chunk)
      const parts = rest.split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        const line = JSON.parse(part)
        lines.push(line)
        if (line.msg === 'listening') seen.resolve(line.port)
      }
    }
  })()
  const port = environment.EXPECT_FAILURE ? 0 : await seen.promise
  return { child, lines, reading, at: `http://127.0.0.1:${port}` }
}

test('SIGTERM: the request in flight finishes, the stream gets its end event, things close in reverse, exit 0', async () => {
  const { child, lines, reading, at } = await start()
  const stream = await fetch(`${at}/stream`)
  const events: string[] = []
  const streaming = (async () => {
    if (stream.body) for await (const event of readSse(stream.body)) events.push(`${event.event}:${event.data}`)
  })()
  const slow = fetch(`${at}/slow`).then((response) => response.text())
  while (!(await (await fetch(`${at}/metrics`)).text()).includes('sc_fixture')) {}
  child.kill('SIGTERM')
  expect(await slow).toBe('done')
  await streaming
  expect(events).toEqual(['message:hello', 'end:{"reason":"draining"}'])
  expect(await child.exited).toBe(0)
  await reading
  const closed = lines.map(({ msg }) => msg).filter((msg) => String(msg).startsWith('closed'))
  expect(closed).toEqual(['closed second thing', 'closed first thing'])
})

test('during the lame duck time the service still answers, and /ready says it drains', async () => {
  const { child, at } = await start({ LAME_DUCK_MS: '60000' })
  child.kill('SIGTERM')
  for (;;) {
    const response = await fetch(`${at}/ready`)
    if (response.status === 503) {
      expect(((await response.json()) as { failing: string[] }).failing).toEqual(['draining'])
      break
    }
  }
  expect((await fetch(`${at}/health`)).status).toBe(200)
})

test('trap 4: a rejection nobody catches does not end the process', async () => {
  const { lines, at } = await start()
  await fetch(`${at}/stray`)
  expect((await fetch(`${at}/health`)).status).toBe(200)
  while (!lines.some(({ msg }) => msg === 'unhandled rejection')) await Bun.sleep(5)
})

test('trap 9: an answer and a stream that say nothing for longer than Bun’s default patience are not cut off', async () => {
  const { at } = await start()
  const texts = await Promise.all(['/late', '/quiet'].map(async (path) => (await fetch(at + path)).text()))
  expect(texts).toEqual(['late', 'data: late\n\nevent: end\ndata: {"reason":"finished"}\n\n'])
}, 30_000)

test('a header of 100 kB gets 431 as a problem', async () => {
  const { at } = await start()
  const response = await fetch(`${at}/health`, { headers: { 'x-big': 'a'.repeat(100_000) } })
  expect([response.status, ((await response.json()) as { code: string }).code]).toEqual([431, 'headers_too_large'])
})

test('a wrong environment is reported whole, and the process ends with 78', async () => {
  const { child } = await start({ PORT: 'many', LOG_LEVEL: 'loud', EXPECT_FAILURE: '1' })
  expect(await child.exited).toBe(78)
  const text = await new Response(child.stderr).text()
  expect(text).toContain('PORT: is "many"')
  expect(text).toContain('LOG_LEVEL: is "loud"')
})
