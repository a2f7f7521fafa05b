import { afterAll, describe, expect, test } from 'bun:test'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net'
import { selfSigned } from './certificate.fixture.ts'
import { senderConformance } from './conformance.ts'
import { type HttpSenderOptions, httpSender } from './http.ts'

const closing: (() => unknown)[] = []
afterAll(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const senderOf = (options: Partial<HttpSenderOptions> = {}) => {
  const sender = httpSender({ allowPrivate: true, ...options })
  closing.push(() => sender.close())
  return sender
}

/** Opens a server on all of this machine's addresses and answers its port. */
async function listening<S extends Server | TcpServer>(server: S): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, '0.0.0.0', ready))
  closing.push(() => {
    if ('closeAllConnections' in server) server.closeAllConnections()
    server.close()
  })
  return (server.address() as { port: number }).port
}

/** A server that answers 200, and what it saw. */
async function watched(answer: RequestListener = (_, response) => response.end('ok')) {
  const requests: IncomingMessage[] = []
  const sockets: Socket[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    request.resume()
    answer(request, response)
  })
  server.on('connection', (socket) => sockets.push(socket))
  return { port: await listening(server), requests, sockets }
}

const post = (url: string, timeoutMs = 20_000) => ({ url, headers: {}, body: Buffer.from('{}'), timeoutMs })

senderConformance('http', async () => {
  const acts: RequestListener[] = []
  const port = await listening(
    createServer((request, response) => acts[Number(request.url?.slice(1))]?.(request, response)),
  )
  const gone = createTcpServer()
  const nobody = await listening(gone)
  await new Promise((closed) => gone.close(closed))
  const sender = senderOf()
  return {
    sender,
    open: (scene, heard) => {
      const n = acts.push(async (request, response) => {
        const chunks: Buffer[] = []
        for await (const chunk of request) chunks.push(chunk as Buffer)
        heard?.({ headers: request.headers as Record<string, string>, body: Buffer.concat(chunks).toString() })
        if (scene === 'hang up') return request.socket.destroy()
        await scene.after
        response.writeHead(scene.status, scene.headers).end(scene.text)
      })
      return `http://127.0.0.1:${port}/${n - 1}`
    },
    nobody: `http://127.0.0.1:${nobody}/`,
    close: () => sender.close(),
  }
})

describe('a request goes to the address that was judged', () => {
  test('the name is looked up once, and the connection goes to that very answer', async () => {
    const { port, requests } = await watched()
    const answers = ['127.0.0.7', '127.0.0.8', '169.254.169.254']
    let lookups = 0
    const sender = senderOf({ resolve: async () => [answers[lookups++] ?? ''] })
    // Each name is its own connection; the system would have resolved them differently, or not at all.
    for (const name of ['localhost', 'changing.test']) await sender.send(post(`http://${name}:${port}/`))
    expect(requests.map(({ socket }) => socket.localAddress)).toEqual(['127.0.0.7', '127.0.0.8'])
    expect(await sender.send(post(`http://rebound.test:${port}/`))).toMatchObject({ failure: 'address_refused' })
    expect(lookups).toBe(3)
    expect(requests.map(({ headers }) => headers.host)).toEqual([`localhost:${port}`, `changing.test:${port}`])
  })

  test.each([
    [['127.0.0.1']],
    [['10.0.0.1', '1.1.1.1']],
    [['1.1.1.1', '127.0.0.1']],
    [['2606:4700:4700::1111', '::1']],
    [['::ffff:127.0.0.1']],
    [['169.254.169.254']],
  ])('a name that leads to %p is refused before anything is connected', async (addresses) => {
    const { port, sockets } = await watched()
    const sender = senderOf({ allowPrivate: false, resolve: async () => addresses })
    expect(await sender.send(post(`http://hook.test:${port}/`))).toMatchObject({ failure: 'address_refused' })
    expect(sockets).toHaveLength(0)
  })

  test.each([
    ...['127.0.0.1', '2130706433', '0x7f000001', '0177.0.0.1', '127.1', '127.0.0.1.', '0.0.0.0', '0'],
    ...['[::1]', '[::ffff:127.0.0.1]', '1.1.1.1@127.0.0.1', 'localhost'],
  ])('%s is refused, whoever let it in', async (host) => {
    const { port, sockets } = await watched()
    const sender = senderOf({ allowPrivate: false })
    expect(await sender.send(post(`http://${host}:${port}/`))).toMatchObject({ failure: 'address_refused' })
    expect(sockets).toHaveLength(0)
  })

  test('a name without addresses is not found', async () => {
    const none = senderOf({ resolve: async () => [] })
    expect(await none.send(post('http://hook.test/'))).toMatchObject({ failure: 'name_not_found' })
    const broken = senderOf({ resolve: () => Promise.reject(new Error('SERVFAIL')) })
    expect(await broken.send(post('http://hook.test/'))).toMatchObject({ failure: 'name_not_found' })
  })

  test('a resolver that never answers does not hold an attempt for longer than it may take', async () => {
    const sender = senderOf({ resolve: () => new Promise(() => {}) })
    expect(await sender.send(post('http://hook.test/', 20))).toMatchObject({ failure: 'timed_out' })
  })

  test('a proxy named in the environment is not used', async () => {
    const endpoint = await watched()
    const proxy = await watched()
    const env = Object.fromEntries(
      ['HTTP_PROXY', 'http_proxy', 'ALL_PROXY', 'all_proxy'].map((name) => [name, `http://127.0.0.1:${proxy.port}`]),
    )
    const code = `const { httpSender } = await import(${JSON.stringify(import.meta.resolve('./http.ts'))})
      const sender = httpSender({ allowPrivate: true, resolve: async () => ['127.0.0.1'] })
      await sender.send({ url: 'http://hook.test:${endpoint.port}/', headers: {}, body: Buffer.from('x'), timeoutMs: 20000 })
      process.exit()`
    await Bun.spawn({ cmd: [process.execPath, '-e', code], env: { ...env, NODE_USE_ENV_PROXY: '1' } }).exited
    expect(endpoint.requests).toHaveLength(1)
    expect(proxy.sockets).toHaveLength(0)
  })
})

describe('TLS', () => {
  const { key, cert } = selfSigned('hook.test')
  const secure = async () => {
    const hosts: (string | undefined)[] = []
    const names: string[] = []
    const server = createHttpsServer({ key, cert }, (request, response) => {
      hosts.push(request.headers.host)
      response.end('ok')
    })
    server.on('secureConnection', (socket) => names.push(String(socket.servername)))
    return { port: await listening(server), hosts, names }
  }
  const resolve = async () => ['127.0.0.1']

  test('asks for and verifies the name of the URL, not the address', async () => {
    const { port, hosts, names } = await secure()
    const sender = senderOf({ resolve, ca: cert })
    expect(await sender.send(post(`https://hook.test:${port}/`))).toMatchObject({ answer: { status: 200 } })
    expect({ hosts, names }).toEqual({ hosts: [`hook.test:${port}`], names: ['hook.test'] })
    expect(await sender.send(post(`https://other.test:${port}/`))).toMatchObject({ failure: 'tls_failed' })
  })

  test('a certificate that nobody vouches for is refused', async () => {
    const { port, hosts } = await secure()
    expect(await senderOf({ resolve }).send(post(`https://hook.test:${port}/`))).toMatchObject({
      failure: 'tls_failed',
    })
    expect(hosts).toHaveLength(0)
  })

  test('an endpoint that speaks no TLS has failed', async () => {
    const { port } = await watched()
    expect(await senderOf({ resolve, ca: cert }).send(post(`https://hook.test:${port}/`))).toMatchObject({
      failure: 'tls_failed',
    })
  })
})

describe('connections', () => {
  test('one is kept for the next message to the same endpoint', async () => {
    const { port, requests, sockets } = await watched()
    const sender = senderOf()
    for (let n = 0; n < 5; n++) await sender.send(post(`http://127.0.0.1:${port}/`))
    expect(requests).toHaveLength(5)
    expect(sockets).toHaveLength(1)
  })

  test('a kept one that the endpoint had hung up on costs no attempt', async () => {
    const { port, requests, sockets } = await watched()
    const sender = senderOf()
    await sender.send(post(`http://127.0.0.1:${port}/`))
    for (let n = 0; n < 10; n++) {
      sockets.at(-1)?.destroy()
      expect(await sender.send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ answer: { status: 200 } })
    }
    expect(requests).toHaveLength(11)
  })

  test('an endpoint that drips its headers has failed, one that drips its body has answered', async () => {
    const drip = (head: string) =>
      listening(
        createTcpServer((socket) => {
          socket.on('error', () => {})
          socket.write(head)
          const timer = setInterval(() => socket.write('x'), 5)
          socket.on('close', () => clearInterval(timer))
        }),
      )
    const sender = senderOf()
    const headers = await drip('HTTP/1.1 200 OK\r\nx-long: ')
    expect(await sender.send(post(`http://127.0.0.1:${headers}/`, 60))).toMatchObject({ failure: 'timed_out' })
    const body = await drip('HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nthanks')
    expect(await sender.send(post(`http://127.0.0.1:${body}/`, 60))).toMatchObject({
      answer: { status: 200, text: expect.stringMatching(/^thanks/) },
    })
  })

  test('an endpoint that speaks something else has failed', async () => {
    const port = await listening(
      createTcpServer((socket) => {
        socket.on('error', () => {})
        socket.end('220 mail.test ESMTP\r\n')
      }),
    )
    expect(await senderOf().send(post(`http://127.0.0.1:${port}/`))).toMatchObject({ failure: 'bad_response' })
  })
})
