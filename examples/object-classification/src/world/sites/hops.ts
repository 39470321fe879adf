/**
 * Shows the hops of HTTP requests over a link in their traces. Nobody on a link knows spans; but the header `traceparent`
 * goes by, and says which span has sent the request: that is the parent of what is made here.
 */
import { ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api'
import type { Attributes, Context, Tracer } from '@opentelemetry/api'
import type { HopDisplay, Link } from './link.ts'

/** One connection over a link, whose requests come one after the other, as those of HTTP/1.1. */
export interface Exchange {
  /** A piece has left one site. */
  left(way: 'request' | 'response', piece: Buffer, stalled: boolean): void
  /** It has arrived at the other. */
  arrived(way: 'request' | 'response', bytes: number): void
  /** The connection is over. */
  end(): void
}

/** One way of a request or its answer. Times are ms since 1970. */
interface Hop {
  readonly left: number
  arrived: number
  bytes: number
  stalls: number
}

/** How much of a request is looked at to find the header, bytes. */
const MOST_HEAD = 16 * 1024
/** After so long without another piece an answer is taken as whole, ms. */
const ANSWER_PAUSE_MS = 500
/** Source: W3C Trace Context, version 00; header names are of any case. */
const TRACEPARENT = /\r\ntraceparent: *00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})\r\n/i

/** Watches one connection from `link.sites[from]` and makes spans of what goes over it. */
export function watchHops(tracer: Tracer, link: Link, from: 0 | 1): Exchange {
  const near = link.sites[from]
  const far = link.sites[from === 0 ? 1 : 0]
  let head = ''
  let parent: Context | undefined
  let request: Hop | undefined
  let response: Hop | undefined
  let pause: NodeJS.Timeout | undefined

  function finish(): void {
    clearTimeout(pause)
    if (parent && request && response) show(tracer, link, parent, [near, far], [request, response])
    head = ''
    parent = request = response = undefined
  }

  return {
    left(way, piece, stalled) {
      clearTimeout(pause)
      if (way === 'request' && response) finish()
      if (way === 'request') request ??= newHop()
      else if (request) response ??= newHop()
      const hop = way === 'request' ? request : response
      if (hop && stalled) hop.stalls++
      if (way !== 'request' || parent || head.length >= MOST_HEAD) return
      head += piece.subarray(0, MOST_HEAD).toString('latin1')
      parent = parentIn(head)
    },
    arrived(way, bytes) {
      const hop = way === 'request' ? request : response
      if (!hop) return
      hop.arrived = now()
      hop.bytes += bytes
      if (way === 'response') pause = setTimeout(finish, ANSWER_PAUSE_MS).unref()
    },
    end: finish,
  }
}

function newHop(): Hop {
  return { left: now(), arrived: now(), bytes: 0, stalls: 0 }
}

/** The span that has sent a request with this head, where it is sampled. */
function parentIn(head: string): Context | undefined {
  const [, traceId = '', spanId = '', flags = '00'] = TRACEPARENT.exec(head) ?? []
  if ((Number.parseInt(flags, 16) & TraceFlags.SAMPLED) === 0) return undefined
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true })
}

function show(
  tracer: Tracer,
  link: Link,
  parent: Context,
  [near, far]: readonly [string, string],
  [request, response]: readonly [Hop, Hop],
): void {
  const kind = SpanKind.INTERNAL
  const about = { 'link.name': link.name, 'link.latency_ms': link.conditions.latencyMs }
  const display: HopDisplay = link.display
  if (display === 'span') {
    for (const [name, hop] of [
      [`${near} → ${far}`, request],
      [`${far} → ${near}`, response],
    ] as const) {
      const attributes = { ...about, ...sizes(hop) }
      tracer.startSpan(name, { kind, startTime: hop.left, attributes }, parent).end(hop.arrived)
    }
    return
  }
  const span = tracer.startSpan(`${near} ↔ ${far}`, { kind, startTime: request.left, attributes: about }, parent)
  span.addEvent(`request is at ${far}`, sizes(request), request.arrived)
  span.addEvent(`answer leaves ${far}`, undefined, response.left)
  span.addEvent(`answer is at ${near}`, sizes(response), response.arrived)
  span.end(response.arrived)
}

function sizes({ left, arrived, bytes, stalls }: Hop): Attributes {
  return { 'link.ms': Math.round((arrived - left) * 100) / 100, 'link.bytes': bytes, 'link.stalls': stalls }
}

function now(): number {
  return performance.timeOrigin + performance.now()
}
