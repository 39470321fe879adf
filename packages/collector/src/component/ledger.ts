/** Who sends what to the receivers, and with what success: what they tell the collector's ledger of senders. */
import type { Http2Session } from 'node:http2'
import type { Signal } from '@spoor/otlp'

/** Who sent something, as a socket tells it. */
export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
}

/** The ledger as one port of a receiver has it. */
export interface LedgerDoor {
  /**
   * The account of whoever sent this request. Cheap for further requests of a connection with the same user agent.
   *
   * @param connection the socket, of HTTP/2 the session, of a datagram who sent it; undefined where it has gone
   */
  sender(connection: Peer | Http2Session | undefined, userAgent?: string): SenderAccount
}

/** Of one sender: a peer address with a user agent, at one port of a receiver. */
export interface SenderAccount {
  /** A message has come in whole: valid protobuf. One in many is looked at for where it comes from. */
  arrived(signal: Signal, message: Uint8Array): void
  /** The pipelines have taken it. `items`: spans, data points or log records. */
  taken(items: number): void
  /** A request, or a part of one, was refused. `reason`: as the label of its counter. `detail`: for people, may come from the sender. */
  refused(reason: string, detail: string): void
  /** The header {@link ANNOUNCEMENT_HEADER}, where a request has it. It is believed of senders on this machine only. */
  announced(header: string): void
  /** A browser asked whether it may send, and may. */
  preflight(origin: string): void
}

/** What the ledger says of one sender. */
export interface SenderReport {
  readonly receiver: string
  /** The protocol that the port is named after. */
  readonly transport: string
  /** Without port; `''` where it is not known. */
  readonly peer: string
  readonly userAgent: string
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
  /** Requests that were taken, in whole or in part, and the items in them. */
  readonly ok: number
  readonly items: number
  /** In the last minute. */
  readonly itemsPerMinute: number
  /** What else came of requests, by reason, each with its latest detail. All but `preflight` are refusals; `invalid_id` is of a part. */
  readonly outcomes: Readonly<Record<string, { readonly count: number; readonly detail: string }>>
  /** Of a collector on this machine: where its status can be read. */
  readonly collector?: string
  /** From the requests that were looked at. */
  readonly sampled: SampledOrigin
}

export interface SampledOrigin {
  readonly requests: number
  /** The items whose dropped counts were summed. */
  readonly items: number
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  readonly scopes: readonly string[]
  readonly resources: readonly SampledResource[]
}

/** Each `''` where the resource does not say it. */
export interface SampledResource {
  readonly service: string
  readonly instance: string
  readonly sdk: string
  readonly language: string
  readonly sdkVersion: string
}

export interface LedgerReport {
  /** Senders that are known at a time, at most. */
  readonly capacity: number
  /** Senders that went, as others were seen later. */
  readonly forgotten: number
  /** The latest first. */
  readonly senders: readonly SenderReport[]
}

/** Keeps the accounts of the whole collector; its bound is on all of them. */
export interface Ledger {
  door(receiver: string, transport: string): LedgerDoor
  report(): LedgerReport
}

const NOBODY: SenderAccount = { announced() {}, arrived() {}, taken() {}, refused() {}, preflight() {} }
/** Where no ledger is kept. */
export const NO_DOOR: LedgerDoor = { sender: () => NOBODY }
