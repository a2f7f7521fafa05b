import { load } from './load.ts'
import { type Measured, measured } from './process.ts'
import type { Row } from './run.ts'

const rounds = 5
const requests = 20_000

const request = `GET /v1/things/7 HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer sc_${'a'.repeat(12)}_${'b'.repeat(32)}\r\n\r\n`

async function cpuPerRequest(server: Measured): Promise<number> {
  const before = server.cpuMicros()
  const { wrong } = await load({ port: server.port, request, connections: 16, requests })
  if (wrong > 0) throw new Error(`${wrong} wrong answers`)
  return (server.cpuMicros() - before) / requests
}

/** CPU per request of a route behind the whole chassis, against the same route on bare Elysia. */
export async function chassisBench(): Promise<Row[]> {
  const bare = await measured(`${import.meta.dir}/servers/bare.ts`)
  const full = await measured(`${import.meta.dir}/servers/behind-chassis.ts`)
  try {
    const figures: { bare: number[]; full: number[] } = { bare: [], full: [] }
    for (let round = 0; round <= rounds; round++) {
      const pair = [await cpuPerRequest(bare), await cpuPerRequest(full)] as const
      if (round === 0) continue // warm-up
      figures.bare.push(pair[0])
      figures.full.push(pair[1])
    }
    const [a, b] = [Math.min(...figures.bare), Math.min(...figures.full)]
    return [
      { what: 'CPU per request, bare Elysia', figure: `${a.toFixed(1)} µs`, ratio: '1.00' },
      { what: 'CPU per request, whole chassis', figure: `${b.toFixed(1)} µs`, ratio: (b / a).toFixed(2) },
    ]
  } finally {
    await Promise.all([bare.close(), full.close()])
  }
}
