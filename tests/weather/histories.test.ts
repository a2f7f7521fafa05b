import { afterAll, expect, test } from 'bun:test'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { check, type RuleName } from './check.ts'
import type { History } from './history.ts'
import { bounds } from './liveness-rules.ts'
import { type NemesisName, nemesisNames } from './nemeses.ts'
import { planOf, runHistory, tenants } from './run-history.ts'
import { startWorld, type World } from './world.ts'

/**
 * Histories of the event bus under faults, each decided by its seed. `bun run test:weather 500` runs that many;
 * `WEATHER_SEED=7` runs one again, `WEATHER_NEMESES="redis killed,service killed"` names what strikes, and
 * `WEATHER_VERBOSE=1` prints a line for each, `WEATHER_KEEP=<folder>` keeps those that broke a promise, and
 * `WEATHER_SLACK=3` stretches the bounds of L1 to L4 on a machine that does other things as well.
 */
const count = Number(process.env.WEATHER_HISTORIES ?? 20)
const first = Number(process.env.WEATHER_SEED ?? Math.floor(Math.random() * 1e9))
const chosen = process.env.WEATHER_NEMESES?.split(',') as NemesisName[] | undefined
const slack = Number(process.env.WEATHER_SLACK ?? 3)

/** Seeds that once found something, and what. */
const kept: { seed: number; nemeses: NemesisName[]; found: string }[] = []

/** How many histories share a Redis: what they leave in its file makes each restart slower. */
const sharesMax = 20
let world: World | undefined
let shares = 0

async function freshWorld(): Promise<World> {
  await world?.close()
  shares = 0
  world = await startWorld(tenants)
  return world
}
afterAll(() => world?.close(), 30_000)

async function violations(seed: number, nemeses?: NemesisName[]): Promise<{ rule: RuleName; text: string }[]> {
  const plan = planOf(seed, nemeses)
  const place = world && shares++ < sharesMax ? world : await freshWorld()
  const history = await runHistory(place, plan).catch(async (error) => {
    shares = sharesMax
    throw error
  })
  // Redis 7.0 may leave a file it cannot read itself when it is killed some time after its disk was full.
  if (plan.nemeses.includes('disk full')) shares = sharesMax
  const found = check(history, bounds(slack))
  const folder = process.env.WEATHER_KEEP
  if (folder && found.length > 0) writeFileSync(join(folder, `${seed}.json`), JSON.stringify({ plan, found, history }))
  if (process.env.WEATHER_VERBOSE)
    console.log(`${found.length > 0 ? 'BROKEN' : 'sound'} ${seed} [${plan.nemeses.join(' + ')}] ${sizeOf(history)}`)
  return found
}

/** How much happened: `publish ok 210, pull unknown 3, …`. */
function sizeOf({ acts }: History): string {
  const counts = Map.groupBy(acts, (act) => ('outcome' in act ? `${act.kind} ${act.outcome}` : act.kind))
  return [...counts].map(([what, same]) => `${what} ${same.length}`).join(', ')
}

for (const { seed, nemeses, found } of kept)
  test(`kept: ${found} (seed ${seed})`, async () => expect(await violations(seed, nemeses)).toEqual([]), 120_000)

for (const [n, name] of process.env.WEATHER_SEED ? [] : nemesisNames.entries())
  test(`${name} breaks no promise (seed ${first + n})`, async () => {
    expect(await violations(first + n, [name])).toEqual([])
  }, 120_000)

const drawn = process.env.WEATHER_SEED ? 1 : Math.max(0, count - nemesisNames.length)
for (let n = 0; n < drawn; n++) {
  const seed = process.env.WEATHER_SEED ? first : first + nemesisNames.length + n
  const { nemeses } = planOf(seed, chosen)
  test(`seed ${seed}: ${nemeses.join(' + ') || 'calm'} breaks no promise`, async () => {
    expect(await violations(seed, chosen)).toEqual([])
  }, 120_000)
}
