import { expect, test } from 'bun:test'
import { openRedis } from '@santaclaude/redis/open'
import { startRedis } from '@santaclaude/testkit/redis-server'
import type { Caller } from './keys.ts'
import { issueTicket, redeemTicket, ticketIn } from './tickets.ts'
import { ticketsConformance } from './tickets-conformance.ts'
import { ticketsInMemory } from './tickets-memory.ts'
import { ticketsInRedis } from './tickets-redis.ts'

ticketsConformance('memory', async () => ({ tickets: ticketsInMemory(), close: async () => {} }))
ticketsConformance('redis', async () => {
  const server = await startRedis()
  const redis = openRedis(server.url, { name: 'test' })
  return {
    tickets: ticketsInRedis(redis),
    close: async () => {
      redis.disconnect()
      await server.close()
    },
  }
})

const caller: Caller = { keyId: 'k', tenant: 'acme', name: 'web', scopes: new Set(['events:consume']), limits: {} }

test('a ticket speaks for its caller once', async () => {
  const tickets = ticketsInMemory()
  const { ticket } = await issueTicket(tickets, caller)
  expect(await redeemTicket(tickets, ticket)).toEqual(caller)
  await expect(redeemTicket(tickets, ticket)).rejects.toMatchObject({ code: 'unauthenticated' })
  await expect(redeemTicket(tickets, 'nonsense')).rejects.toMatchObject({ code: 'unauthenticated' })
})

test('a ticket is looked for only in an upgrade without a key', () => {
  const request = (headers: HeadersInit) => new Request('http://localhost/v1/ws?ticket=abc', { headers })
  expect(ticketIn(request({ upgrade: 'websocket' }))).toBe('abc')
  expect(ticketIn(request({}))).toBeUndefined()
  expect(ticketIn(request({ upgrade: 'websocket', authorization: 'Bearer x' }))).toBeUndefined()
})
