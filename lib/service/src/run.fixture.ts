import { pause } from '@santaclaude/kit/deadline'
import { Elysia } from 'elysia'
import { chassis } from './chassis.ts'
import { port, settings } from './config.ts'
import { idempotencyInMemory } from './idempotency-memory.ts'
import { keysInMemory } from './keys-memory.ts'
import { run } from './run.ts'
import { eventStream } from './stream.ts'

/** The smallest service there is, for the tests of `run`: a slow answer, an endless stream, a stray rejection. */
await run({ name: '@x/fixture', version: '1.2.3' }, settings({ port: port(0) }), ({ host, own }) => {
  own({ close: () => host.log.info('closed first thing') })
  own({ close: () => host.log.info('closed second thing') })
  return new Elysia()
    .use(chassis({ name: 'fixture', host, keys: keysInMemory(), idempotency: idempotencyInMemory(), ready: {} }))
    .get('/slow', async () => {
      await pause(300)
      return 'done'
    })
    .get('/stream', () =>
      eventStream(async function* (signal) {
        yield { data: 'hello' }
        await pause(60_000, signal)
      }),
    )
    .get('/late', async () => {
      await pause(13_000)
      return 'late'
    })
    .get('/quiet', () =>
      eventStream(
        async function* (signal) {
          await pause(13_000, signal)
          yield { data: 'late' }
        },
        { heartbeatMs: 60_000 },
      ),
    )
    .get('/stray', () => {
      Promise.reject(new Error('nobody catches this'))
      return 'ok'
    })
})
