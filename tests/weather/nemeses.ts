import { pause } from '@santaclaude/kit/deadline'
import { partitionKeys } from '@santaclaude/log/names'
import { nowMs } from './bus.ts'
import type { Act, Fault, GroupFact } from './history.ts'
import type { Seeded } from './seeded.ts'
import { answers, type World } from './world.ts'

/** Where a nemesis strikes. */
export interface Strike {
  world: World
  random: Seeded
  acts: Act[]
  groups: (GroupFact & { partitions: number })[]
}

type Harm = Omit<Fault, 'name' | 'startMs' | 'endMs'>

interface Nemesis extends Harm {
  strike(at: Strike): Promise<void>
}

/** How long readiness is waited for before it counts as never. */
const readyMsMax = 30_000

/** Waits until every process says it is ready, and writes down how long that took. */
async function recovery({ world, acts }: Strike, after: string): Promise<void> {
  const startMs = nowMs()
  await Promise.all(
    world.members.map(async ({ url }) => {
      while (nowMs() - startMs < readyMsMax && !(await answers(`${url}/ready`))) await pause(20)
    }),
  )
  acts.push({ kind: 'recovery', startMs, endMs: nowMs(), after })
}

/** Everything that goes wrong here, each with what it may take. What is not said may take nothing that was acknowledged. */
export const nemeses = {
  'service killed': {
    strands: true,
    async strike({ world, random }) {
      const member = random.pick(world.members)
      await member.kill9()
      await pause(random.below(300))
      await member.start()
    },
  },
  'service stopped as asked': {
    async strike({ world, random }) {
      const member = random.pick(world.members)
      await member.stop()
      await member.start()
    },
  },
  'service frozen past a lease': {
    strands: true,
    async strike({ world, random }) {
      const member = random.pick(world.members)
      member.signal('SIGSTOP')
      await pause(random.between(1_200, 2_500))
      member.signal('SIGCONT')
    },
  },
  'service clock steps an hour': {
    async strike({ world, random }) {
      const member = random.pick(world.members)
      for (let step = 0; step < 3; step++) {
        member.signal('SIGUSR2')
        await pause(random.between(100, 500))
      }
    },
  },
  'redis killed': {
    strands: true,
    async strike(at) {
      await at.world.killRedis()
      await pause(at.random.pick([0, 0, 500, 3_500]))
      await at.world.startRedis()
      await recovery(at, 'redis killed')
    },
  },
  'redis killed, its file cut': {
    strands: true,
    loses: 'tail',
    async strike(at) {
      await at.world.killRedis()
      at.world.cutTail(at.random.between(1, 200))
      await at.world.startRedis()
      await recovery(at, 'redis killed, its file cut')
    },
  },
  'redis frozen': {
    strands: true,
    async strike({ world, random }) {
      world.signalRedis('SIGSTOP')
      await pause(random.between(200, 2_500))
      world.signalRedis('SIGCONT')
    },
  },
  'redis emptied': {
    strands: true,
    loses: 'all',
    async strike({ world }) {
      await world.redis.flushall()
      await world.rewriteKeys()
    },
  },
  'groups destroyed': {
    forgets: true,
    async strike({ world, groups, random }) {
      const group = random.pick(groups)
      const keys = partitionKeys(group, random.below(group.partitions))
      await world.redis.xgroup('DESTROY', keys.stream, group.group)
    },
  },
  'redis full': {
    strands: true,
    async strike({ world, random }) {
      await world.redis.config('SET', 'maxmemory', '1mb')
      await pause(random.between(200, 900))
      await world.redis.config('SET', 'maxmemory', '0')
    },
  },
  'disk full': {
    strands: true,
    async strike({ world, random }) {
      const limit = (soft: string) => Bun.spawnSync(['prlimit', `--pid=${world.redisPid()}`, `--fsize=${soft}:`])
      limit(String(world.aofBytes() + random.below(2_000)))
      await pause(random.between(500, 1_500))
      limit('unlimited')
    },
  },
  'connections cut': {
    strands: true,
    async strike({ world, random }) {
      for (let n = random.between(1, 3); n > 0; n--) {
        await world.redis.call('CLIENT', 'KILL', 'TYPE', random.pick(['normal', 'pubsub']), 'SKIPME', 'yes')
        await pause(random.below(200))
      }
    },
  },
  'scripts forgotten': {
    async strike({ world }) {
      await world.redis.script('FLUSH')
    },
  },
} satisfies Record<string, Nemesis>

export type NemesisName = keyof typeof nemeses
export const nemesisNames = Object.keys(nemeses) as NemesisName[]

/** Strikes once and writes down when, and what it may have taken. */
export async function strike(name: NemesisName, at: Strike, faults: Fault[]): Promise<void> {
  const { strike: act, ...harm }: Nemesis = nemeses[name]
  const fault: Fault = { name, ...harm, startMs: nowMs(), endMs: Number.POSITIVE_INFINITY }
  faults.push(fault)
  try {
    await act(at)
  } catch (error) {
    // With two at once, one may find Redis taken away by the other: then it has done what it could.
    if (faults.length < 2) throw error
  } finally {
    fault.endMs = nowMs()
  }
}

/** Ends whatever may still be going on. */
export async function heal(at: Strike): Promise<void> {
  const { world } = at
  await world.startRedis()
  world.signalRedis('SIGCONT')
  Bun.spawnSync(['prlimit', `--pid=${world.redisPid()}`, '--fsize=unlimited:'])
  await world.redis.config('SET', 'maxmemory', '0')
  for (const member of world.members) member.signal('SIGCONT')
  await Promise.all(world.members.map((member) => member.start()))
  await world.rewriteKeys()
}
