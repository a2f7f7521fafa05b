/**
 * Imports the files given as arguments, as the side effect test does in a process of its own. Prints, as JSON lines, any
 * environment variable that code of this repository reads while it is imported.
 */
const root = new URL('../..', import.meta.url).pathname
const read: { name: string; from: string }[] = []
const env = process.env
process.env = new Proxy(env, {
  get(target, name) {
    const frames = (new Error().stack ?? '').split('\n').slice(2, 3).join('')
    if (frames.includes(root) && !frames.includes('node_modules'))
      read.push({ name: String(name), from: frames.trim() })
    return Reflect.get(target, name)
  },
})
for (const path of process.argv.slice(2)) await import(path)
for (const line of read) process.stdout.write(`${JSON.stringify(line)}\n`)
