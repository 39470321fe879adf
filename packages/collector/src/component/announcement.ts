/**
 * A collector tells the Spoor that it sends to where its own status can be read, so that its pipelines can be seen there, too: with a
 * header of its exports, to peers on this machine only.
 */
import { isLoopback } from './host.ts'

/** On OTLP exports of both protocols. Its value is an origin, as `http://127.0.0.1:55680`. */
export const ANNOUNCEMENT_HEADER = 'spoor-collector'
/** What `spoor doctor` offers to speak in TLS, beside the usual, so that a port without TLS knows that nobody meant to send anything. */
export const DOCTOR_ALPN = 'spoor-doctor'
const MAX_CHARS = 100

/** The header for exports to `host` (without port), where there is an address to tell and the peer is on this machine; else none. */
export function announcementTo(host: string, statusAddress: string | undefined): Readonly<Record<string, string>> {
  return statusAddress !== undefined && isLoopback(host) ? { [ANNOUNCEMENT_HEADER]: statusAddress } : {}
}

/**
 * The origin that a header announces, by address and not by name, so that nothing but this machine can be meant: plain HTTP on a port of
 * 127.0.0.0/8 or ::1. Undefined for anything else.
 */
export function announcedOrigin(header: string): string | undefined {
  if (header.length > MAX_CHARS || !URL.canParse(header)) return undefined
  const { protocol, hostname, port, pathname, username, search, hash } = new URL(header)
  const isBare = pathname === '/' && username === '' && search === '' && hash === '' && port !== ''
  if (protocol !== 'http:' || !isBare) return undefined
  if (hostname === 'localhost') return `http://127.0.0.1:${port}`
  return /^127\.\d+\.\d+\.\d+$|^\[::1\]$/.test(hostname) ? `http://${hostname}:${port}` : undefined
}
