/**
 * Ends our children when we can not: a process that dies of kill -9 runs no handler, and its children live on.
 *
 * One tiny shell per process reads our pipe. The kernel closes the pipe when we die, however we die; then it ends what
 * is still on its list: SIGTERM, and SIGKILL to the whole process group 8 s later.
 */
const script = `
trap '' INT TERM HUP
pids=''
while read -r op pid; do
  case $op in
    +) pids="$pids $pid" ;;
    -) kept=''; for p in $pids; do [ "$p" = "$pid" ] || kept="$kept $p"; done; pids=$kept ;;
  esac
done
[ -n "$pids" ] || exit 0
for p in $pids; do kill -TERM "$p" 2>/dev/null; done
n=0
while [ $n -lt 80 ]; do
  alive=''
  for p in $pids; do kill -0 "$p" 2>/dev/null && alive=yes; done
  [ -n "$alive" ] || exit 0
  n=$((n + 1)); sleep 0.1
done
for p in $pids; do kill -KILL "-$p" 2>/dev/null || kill -KILL "$p" 2>/dev/null; done
`

let guardian: Bun.Subprocess<'pipe', 'ignore', 'ignore'> | undefined

function say(line: string): void {
  guardian?.stdin.write(`${line}\n`)
  guardian?.stdin.flush()
}

/** Puts a child under guard until the returned function is called, which its owner does when the child is gone. */
export function guard(pid: number): () => void {
  if (!guardian || guardian.exitCode !== null || guardian.signalCode !== null) {
    guardian = Bun.spawn({
      cmd: ['/bin/sh', '-c', script],
      stdin: 'pipe',
      stdout: 'ignore',
      stderr: 'ignore',
      detached: true,
    })
    guardian.unref()
  }
  say(`+ ${pid}`)
  return () => say(`- ${pid}`)
}
