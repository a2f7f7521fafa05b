import { Elysia } from 'elysia'

/** The baseline: the same route on Elysia alone. */
const app = new Elysia().get('/v1/things/:id', ({ params }) => ({ id: params.id, kind: 'thing' }))
const server = Bun.serve({ hostname: '127.0.0.1', port: 0, fetch: (request) => app.fetch(request) })
console.log(JSON.stringify({ port: server.port }))
