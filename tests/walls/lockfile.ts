/** One `packages` entry of bun.lock: `[name@version, registry, metadata, integrity]`. */
type Entry = [string, string?, { optionalDependencies?: Record<string, string> }?, string?]

const parse = (lock: string) => (Bun.JSONC.parse(lock) as { packages: Record<string, Entry> }).packages

/** The platform packages a lockfile names as optional but does not pin, as `[parent, name, version]`. */
export function missingPlatforms(lock: string): [string, string, string][] {
  const packages = parse(lock)
  const names = new Set(Object.keys(packages).map((path) => path.slice(path.lastIndexOf('/@') + 1)))
  return Object.entries(packages).flatMap(([parent, entry]) =>
    Object.entries(entry[2]?.optionalDependencies ?? {})
      .filter(([name]) => !names.has(name) && !(name in packages))
      .map(([name, version]): [string, string, string] => [parent, name, version]),
  )
}

const systems: Record<string, string> = { windows: 'win32', win32: 'win32', darwin: 'darwin', linux: 'linux' }
const cores = ['arm64', 'x64', 'arm', 'ppc64', 's390x', 'riscv64', 'ia32']

function constraints(name: string): string {
  const words = name.split(/[-/]/)
  const os = words.map((word) => systems[word]).find(Boolean)
  const cpu = cores.find((core) => words.some((word) => word === core || word === `${core}le`))
  if (!os || !cpu) throw new Error(`bun.lock: cannot tell the platform of ${name} from its name; add its entry by hand`)
  const libc = words.includes('musl') ? ', "libc": "musl"' : /gnu|glibc/.test(name) ? ', "libc": "glibc"' : ''
  return `{ "os": "${os}", "cpu": "${cpu}"${libc} }`
}

/** The lockfile with an entry for every platform package it names; unchanged when nothing is missing. */
export function completeLockfile(lock: string): string {
  const lines = missingPlatforms(lock).map(
    ([, name, version]) => `    "${name}": ["${name}@${version}", "", ${constraints(name)}, ""],\n`,
  )
  return lines.length === 0 ? lock : lock.replace('  "packages": {\n', `  "packages": {\n${lines.join('\n')}\n`)
}
