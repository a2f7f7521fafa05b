/**
 * What `bun run bench` does: runs the measurements one after another and prints what they were taken on, then a table.
 * `bun run bench chassis` runs those whose name matches. Rates are best of the rounds, ratios within one run; CPU per
 * event is what to compare between machines.
 */
import { cpus, loadavg, totalmem } from 'node:os'
import { chassisBench } from './chassis.bench.ts'
import { logBench } from './log.bench.ts'
import { queueBench } from './queue.bench.ts'
import { startBench } from './start.bench.ts'

/** One line of a table. `ratio` is against the named baseline of the same run, empty where there is none. */
export interface Row {
  what: string
  figure: string
  ratio: string
}

const benches: Record<string, () => Promise<Row[]>> = {
  chassis: chassisBench,
  log: logBench,
  queue: queueBench,
  start: startBench,
}

if (import.meta.main) {
  const wanted = process.argv.slice(2)
  const [cpu] = cpus()
  console.log(
    `${cpus().length} × ${cpu?.model.trim()}, ${Math.round(totalmem() / 2 ** 30)} GiB, Bun ${Bun.version}, load ${loadavg()[0]?.toFixed(2)} at the start`,
  )
  for (const [name, bench] of Object.entries(benches)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue
    console.log(`\n${name}`)
    const rows = await bench()
    const width = Math.max(...rows.map(({ what }) => what.length))
    for (const { what, figure, ratio } of rows) console.log(`  ${what.padEnd(width)}  ${ratio.padStart(5)}  ${figure}`)
  }
  process.exit()
}
