import type { Duplex } from 'node:stream'

/** Ends a connection whose bytes are no HTTP/1 request with an answer that a person can read. `message` is ASCII. */
export function refuseConnection(socket: Duplex, message: string): void {
  if (!socket.writable) {
    socket.destroy()
    return
  }
  const body = `400 ${message}\n`
  socket.end(
    `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
}
