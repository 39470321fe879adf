import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { isLoopback } from './host-check.ts'

const gzipAsync = promisify(gzip)
/** Answers smaller than this fit a packet or two, and are sent as they are. Bytes. */
const MIN_BYTES = 4096
/** `gzip` in an Accept-Encoding header, unless its weight is 0. */
const ACCEPTS_GZIP = /\bgzip\b(?!\s*;\s*q=0(?:\.0*)?\s*(?:,|$))/i

/**
 * An `onSend` hook that compresses large answers of the APIs for clients on other machines. On the same machine the
 * bytes cost nothing and the compression would. Streams (the page's files) pass: they were compressed when they were
 * built, or not at all.
 */
export async function compressForRemote(
  request: FastifyRequest,
  reply: FastifyReply,
  payload: unknown,
): Promise<unknown> {
  const isWhole = typeof payload === 'string' || payload instanceof Uint8Array
  if (!isWhole || payload.length < MIN_BYTES || isLoopback(plainAddress(request.ip))) return payload
  void reply.header('vary', 'accept-encoding')
  if (!ACCEPTS_GZIP.test(request.headers['accept-encoding'] ?? '')) return payload
  const compressed = await gzipAsync(payload, { level: constants.Z_BEST_SPEED })
  void reply.header('content-encoding', 'gzip').header('content-length', compressed.length)
  return compressed
}

/** An IPv4 address that came over an IPv6 socket, as IPv4. */
function plainAddress(address: string): string {
  return address.replace(/^::ffff:/i, '')
}
