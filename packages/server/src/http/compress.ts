import { pipeline, Readable } from 'node:stream'
import { promisify } from 'node:util'
import { constants, createGzip, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from './host-check.ts'

const gzipAsync = promisify(gzip)
/** A fast level: traces shrink to a tenth by it, and the next one would cost twice the time for little. */
const OPTIONS = { level: constants.Z_BEST_SPEED }
/** Answers smaller than this fit a packet or two, and are sent as they are. Bytes. */
const MIN_BYTES = 4096
/** `gzip` in an Accept-Encoding header, unless its weight is 0. */
const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i
/** What the APIs answer with. The page's files were compressed when they were built. */
const COMPRESSIBLE = /^application\/(?:json|x-protobuf)\b/

/**
 * An `onSend` hook that compresses large answers of the APIs for clients on other machines. On the same machine the
 * bytes cost nothing and the compression would.
 */
export async function compressForRemote(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  const address = request.ip as string | undefined
  // A client that has left has no address any more, and reads nothing.
  if (
    address === undefined ||
    isLoopback(plainAddress(address)) ||
    !COMPRESSIBLE.test(String(reply.getHeader('content-type')))
  )
    return payload
  void reply.header('vary', 'accept-encoding')
  if (!ACCEPTS_GZIP.test(request.headers['accept-encoding'] ?? '')) return payload
  if (payload instanceof Readable) {
    void reply.header('content-encoding', 'gzip')
    // A failure of the payload ends the compressor with it, and so the connection.
    return pipeline(payload, createGzip(OPTIONS), () => {})
  }
  if (!(typeof payload === 'string' || Buffer.isBuffer(payload)) || payload.length < MIN_BYTES) return payload
  const compressed = await gzipAsync(payload, OPTIONS)
  void reply.header('content-encoding', 'gzip').header('content-length', compressed.length)
  return compressed
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:/i, '')
}
