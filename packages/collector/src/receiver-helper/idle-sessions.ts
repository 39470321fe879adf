import type { ServerHttp2Session } from 'node:http2'

/** How long a client that was told to go may take to leave by itself. Milliseconds. */
const LINGER_MS = 1_000

/**
 * Ends an HTTP/2 session that has had no call for `idleMs`: GOAWAY, upon which a client opens another when it needs one. What else
 * comes on it, pings, settings, headers that do not end, is no sign of use. `onIdle` hears of it before.
 */
export function endWhenIdle(session: ServerHttp2Session, idleMs: number, onIdle: () => void): void {
  let calls = 0
  let idleSince = performance.now()
  const look = (): void => {
    const leftMs = calls > 0 ? idleMs : idleMs - (performance.now() - idleSince)
    // A timer may be early by less than a millisecond.
    timer = leftMs >= 1 ? setTimeout(look, leftMs) : end()
    timer.unref()
  }
  const end = (): NodeJS.Timeout => {
    onIdle()
    // `close` would wait for the client to close its side, however long that takes.
    session.goaway()
    return setTimeout(() => session.destroy(), LINGER_MS)
  }
  let timer = setTimeout(look, idleMs).unref()
  session.on('stream', (stream) => {
    calls++
    stream.once('close', () => {
      calls--
      idleSince = performance.now()
    })
  })
  session.once('close', () => clearTimeout(timer))
}
