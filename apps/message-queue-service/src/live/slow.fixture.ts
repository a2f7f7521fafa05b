import { connect, type Socket } from 'node:net'

/** A client that opens a connection and reads nothing until it is told to. */
export async function openSlow(port: number, head: string[]) {
  const socket: Socket = connect(port, '127.0.0.1')
  await new Promise<void>((resolve) => socket.once('connect', () => resolve()))
  socket.pause()
  socket.write(`${head.join('\r\n')}\r\n\r\n`)
  /** Everything that came until the server closed. */
  const rest = () =>
    new Promise<Buffer>((resolve) => {
      const parts: Buffer[] = []
      socket.on('data', (part: Buffer) => parts.push(part))
      socket.on('close', () => resolve(Buffer.concat(parts)))
      socket.on('error', () => {})
      socket.resume()
    })
  /** Sends a text frame, masked as a client must. */
  const say = (text: string) => {
    const body = Buffer.from(text)
    if (body.length > 125) throw new RangeError('this client says little')
    socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | body.length, 0, 0, 0, 0]), body]))
  }
  return { rest, say, close: () => socket.destroy() }
}

/** The text frames a server sent after its answer to the upgrade, and the code it closed with. */
export function framesOf(bytes: Buffer): { texts: string[]; code: number | undefined } {
  const texts: string[] = []
  let code: number | undefined
  for (let at = bytes.indexOf('\r\n\r\n') + 4; at + 2 <= bytes.length; ) {
    const opcode = (bytes[at] as number) & 15
    const short = (bytes[at + 1] as number) & 127
    const [length, header] =
      short === 126
        ? [bytes.readUInt16BE(at + 2), 4]
        : short === 127
          ? [Number(bytes.readBigUInt64BE(at + 2)), 10]
          : [short, 2]
    const body = bytes.subarray(at + header, at + header + length)
    if (opcode === 1) texts.push(body.toString())
    if (opcode === 8) code = body.readUInt16BE(0)
    at += header + length
  }
  return { texts, code }
}
