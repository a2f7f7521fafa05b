import { freePort } from '@santaclaude/engines/ports'
import { pause } from '@santaclaude/kit/deadline'
import { Redis } from 'ioredis'
import { startRedis, type TestRedis } from './redis-server.ts'

/** One server of a test Cluster and a connection to ask that very server. */
export interface ClusterNode {
  server: TestRedis
  ask: Redis
}

/** A Redis Cluster of three primaries with a replica each, for one test file. */
export interface TestCluster {
  /** `redis+cluster://…` with every node. */
  url: string
  nodes: ClusterNode[]
  /** The primary that holds the key now. */
  primaryOf(key: string): Promise<ClusterNode>
  /** The replica of a primary. */
  replicaOf(primary: ClusterNode): Promise<ClusterNode>
  /** Resolves when every slot is served and each primary has its replica in step. */
  whole(): Promise<void>
  /** Ends all of them and removes their folders. */
  close(): Promise<void>
}

const PRIMARIES = 3
/** How long a primary may be silent before its replica takes its place. */
const NODE_TIMEOUT_MS = 1_000
const WHOLE_MS = 30_000

/** Starts six real servers and joins them to a Cluster with a failover of about two seconds. */
export async function startCluster(): Promise<TestCluster> {
  const started = await Promise.allSettled(Array.from({ length: 2 * PRIMARIES }, () => startNode()))
  const nodes = started.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const close = async () => {
    for (const { ask } of nodes) ask.disconnect()
    await Promise.all(nodes.map(({ server }) => server.kill9().then(() => server.close())))
  }
  const whole = () => untilTrue('the Cluster is whole', WHOLE_MS, async () => isWhole(nodes))
  try {
    if (nodes.length < 2 * PRIMARIES) throw new Error('a node of the Cluster did not start')
    await join(nodes)
    await whole()
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: `redis+cluster://${nodes.map(({ server }) => `127.0.0.1:${server.port}`).join(',')}`,
    nodes,
    primaryOf: (key) => primaryOf(nodes, key),
    replicaOf: async ({ server: { port } }) => {
      for (const node of nodes)
        if (new RegExp(`master_port:${port}\\b`).test(await node.ask.info('replication').catch(() => ''))) return node
      throw new Error('the primary has no replica')
    },
    whole,
    close,
  }
}

async function startNode(attempt = 0): Promise<ClusterNode & { busPort: number }> {
  const busPort = await freePort()
  const server = await startServer(busPort).catch((error) => {
    // Somebody took the second port first.
    if (attempt === 4) throw error
    return undefined
  })
  if (!server) return startNode(attempt + 1)
  const ask = new Redis(server.url, { retryStrategy: () => 50, maxRetriesPerRequest: 0 })
  ask.on('error', () => {})
  return { server, ask, busPort }
}

const startServer = (busPort: number) =>
  startRedis({
    args: [
      ...['--cluster-enabled', 'yes', '--cluster-port', String(busPort)],
      ...['--cluster-node-timeout', String(NODE_TIMEOUT_MS), '--cluster-replica-validity-factor', '0'],
      // A replica is made known only after the first ping of its primary.
      ...['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1'],
    ],
  })

async function join(nodes: (ClusterNode & { busPort?: number })[]) {
  const primaries = nodes.slice(0, PRIMARIES)
  const share = Math.ceil(16_384 / PRIMARIES)
  await Promise.all(
    nodes.map(async ({ ask }, n) => {
      await ask.call('CLUSTER', 'SET-CONFIG-EPOCH', n + 1)
      if (n < PRIMARIES) await ask.call('CLUSTER', 'ADDSLOTSRANGE', n * share, Math.min(16_383, (n + 1) * share - 1))
    }),
  )
  // Everybody meets everybody: word of mouth would take seconds.
  for (const [n, { ask }] of nodes.entries())
    for (const { server, busPort = 0 } of nodes.slice(n + 1))
      await ask.call('CLUSTER', 'MEET', '127.0.0.1', server.port, busPort)
  const ids = await Promise.all(primaries.map(({ ask }) => ask.call('CLUSTER', 'MYID')))
  const replicate = ({ ask }: ClusterNode, n: number) =>
    untilTrue('a replica knows its primary', WHOLE_MS, () =>
      ask.call('CLUSTER', 'REPLICATE', String(ids[n])).then(
        () => true,
        () => false,
      ),
    )
  await Promise.all(nodes.slice(PRIMARIES).map(replicate))
}

async function isWhole(nodes: ClusterNode[]): Promise<boolean> {
  const looks = await Promise.all(
    nodes.map(async ({ ask }) => {
      const [cluster, slots, replication] = await Promise.all([
        ask.call('CLUSTER', 'INFO') as Promise<string>,
        ask.call('CLUSTER', 'SLOTS') as Promise<unknown[][]>,
        ask.info('replication'),
      ])
      const isKnown = slots.length === PRIMARIES && slots.every((row) => row.length >= 4)
      const isInStep = /role:slave/.test(replication)
        ? /master_link_status:up/.test(replication)
        : /^slave\d+:.*state=online/m.test(replication)
      return /cluster_state:ok/.test(cluster) && isKnown && isInStep
    }),
  ).catch(() => [false])
  return looks.every(Boolean)
}

async function primaryOf(nodes: ClusterNode[], key: string): Promise<ClusterNode> {
  for (const node of nodes) {
    // Any other node answers MOVED, its replica included.
    const isPrimary = await node.ask.exists(key).then(
      () => true,
      () => false,
    )
    if (isPrimary) return node
  }
  throw new Error(`no primary holds ${key}`)
}

/** Waits for a condition of the machinery; fails with what it waited for. */
export async function untilTrue(what: string, withinMs: number, look: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + withinMs
  while (!(await look())) {
    if (performance.now() > endMs) throw new Error(`within ${withinMs} ms this did not come true: ${what}`)
    await pause(25)
  }
}
