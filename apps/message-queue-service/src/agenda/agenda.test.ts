import { openRedis } from '@santaclaude/redis/open'
import { startRedis } from '@santaclaude/testkit/redis-server'
import { agendaConformance } from './conformance.ts'
import { agendaInMemory, emptyTable } from './memory.ts'
import { agendaInRedis } from './redis.ts'

agendaConformance('memory', async () => {
  const table = emptyTable()
  return { two: [agendaInMemory({ table }), agendaInMemory({ table })], close: async () => {} }
})

agendaConformance('redis', async () => {
  const server = await startRedis()
  const redis = openRedis(server.url, { name: 'test' })
  return {
    two: [agendaInRedis(redis, 'schedules'), agendaInRedis(redis, 'schedules')],
    close: async () => {
      redis.disconnect()
      await server.close()
    },
  }
})
