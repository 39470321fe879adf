/** What goes over the connection to a queue in memory: JSON, a line each. */
import { createInterface } from 'node:readline'
import type { Socket } from 'node:net'
import type { Settlement } from './memory-broker.ts'

/** From a consumer: how much it takes, once, and how it is done with a message. */
export type FromConsumer = { readonly prefetch: number } | { readonly tag: number; readonly how: Settlement }

/** To a consumer: a message. The body is in base64. */
export interface ToConsumer {
  readonly tag: number
  readonly attempt: number
  readonly id: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** Writes one line; nothing happens when nobody is there any more. */
export function writeLine(socket: Socket, line: FromConsumer | ToConsumer): void {
  if (!socket.destroyed) socket.write(`${JSON.stringify(line)}\n`)
}

/** Calls `onLine` for each line. A line that is no JSON ends the connection. */
export function readLines(socket: Socket, onLine: (line: unknown) => void): void {
  const lines = createInterface({ input: socket })
  lines.on('line', (text) => {
    try {
      onLine(JSON.parse(text))
    } catch {
      socket.destroy()
    }
  })
  // The socket says the same.
  lines.on('error', () => undefined)
}
