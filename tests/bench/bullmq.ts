import { Queue, Worker } from 'bullmq'
import { Redis } from 'ioredis'

/** What the most used Redis queue does with the same payload on the same Redis, in this process. */
export interface BullMq {
  /** Adds one job at a time from `callers` at once. */
  add(total: number, callers: number): Promise<number>
  /** Adds `batch` jobs a call. */
  addBulk(total: number, batch: number, callers: number): Promise<number>
  /** Works the waiting jobs off with a handler that does nothing; every job is seen once. */
  process(total: number): Promise<number>
  close(): Promise<void>
}

export function bullMq(port: number, data: unknown): BullMq {
  const connection = new Redis({ port, maxRetriesPerRequest: null })
  const queue = new Queue('bench', { connection })
  const options = { removeOnComplete: true }
  const share = async (total: number, callers: number, step: number, work: () => Promise<unknown>) => {
    let left = total
    const caller = async () => {
      while (left > 0) {
        left -= step
        await work()
      }
    }
    await Promise.all(Array.from({ length: callers }, caller))
    return total
  }
  return {
    add: (total, callers) => share(total, callers, 1, () => queue.add('job', data, options)),
    addBulk: (total, batch, callers) =>
      share(total, callers, batch, () =>
        queue.addBulk(Array.from({ length: batch }, () => ({ name: 'job', data, opts: options }))),
      ),
    async process(total) {
      let seen = 0
      const done = Promise.withResolvers<void>()
      const workerConnection = new Redis({ port, maxRetriesPerRequest: null })
      const worker = new Worker(
        'bench',
        async () => {
          if (++seen === total) done.resolve()
        },
        { connection: workerConnection, concurrency: 100 },
      )
      await done.promise
      await worker.close()
      workerConnection.disconnect()
      return seen
    },
    async close() {
      await queue.close()
      connection.disconnect()
    },
  }
}
