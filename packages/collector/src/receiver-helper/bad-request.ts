import type { Duplex } from 'node:stream'

/** How long a client has to take the answer and close. Milliseconds. */
const CLOSE_TIMEOUT_MS = 2_000

/** Ends a connection whose bytes are no HTTP/1 request with an answer that a person can read. `message` is ASCII. */
export function refuseConnection(socket: Duplex, status: 400 | 408, message: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT_MS).unref()
  socket.once('close', () => clearTimeout(timer))
  const body = `${status} ${message}\n`
  socket.end(
    `HTTP/1.1 ${status} ${process.getBuiltinModule('node:http').STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}
