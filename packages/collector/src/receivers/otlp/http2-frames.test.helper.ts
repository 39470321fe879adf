/** HTTP/2 by hand, for clients that do what no library does. Source: RFC 9113, RFC 7541. */
import net from 'node:net'

export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const

export const END_STREAM = 1
export const END_HEADERS = 4
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export function frame(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** SETTINGS with these parameters. */
export function settings(parameters: Readonly<Record<number, number>> = {}): Buffer {
  const payload = Object.entries(parameters).map(([id, value]) => {
    const parameter = Buffer.alloc(6)
    parameter.writeUInt16BE(Number(id))
    parameter.writeUInt32BE(value, 2)
    return parameter
  })
  return frame(FRAME.SETTINGS, 0, 0, Buffer.concat(payload))
}

/** A header block of literals without indexing. */
export function headerBlock(headers: Readonly<Record<string, string>>): Buffer {
  const text = (value: string): Buffer => Buffer.concat([Buffer.from([value.length]), Buffer.from(value)])
  return Buffer.concat(Object.entries(headers).flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]))
}

export interface RawConnection {
  readonly socket: net.Socket
  /** Resolves when the connection is gone. */
  readonly closed: Promise<void>
  /** All that came. */
  readonly received: () => Buffer
}

/** A bare connection. `isReading`: false for one that never takes what is sent to it. */
export function connectRaw(address: string, isReading = true): RawConnection {
  const { hostname, port } = new URL(`http://${address}`)
  const socket = net.connect(Number(port), hostname)
  const parts: Buffer[] = []
  socket.on('error', () => {})
  if (isReading) socket.on('data', (data) => parts.push(data))
  else socket.pause()
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  return { socket, closed, received: () => Buffer.concat(parts) }
}
