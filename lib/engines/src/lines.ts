/** Hands each line of a stream to `keep`, without its end and without empty ones, until the stream ends. */
export async function eachLine(stream: ReadableStream<Uint8Array>, keep: (line: string) => void): Promise<void> {
  const decoder = new TextDecoder()
  let rest = ''
  for await (const bytes of stream) {
    const parts = (rest + decoder.decode(bytes, { stream: true })).split(/\r?\n/)
    rest = parts.pop() ?? ''
    for (const line of parts) if (line.trim() !== '') keep(line)
  }
  if (rest.trim() !== '') keep(rest)
}
