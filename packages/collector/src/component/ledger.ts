/** Who sends what to the receivers, and with what success: what they tell the collector's ledger of senders. */
import type { Http2Session } from 'node:http2'
import type { Signal } from '@spoor/otlp'
import type { Attention } from './attention.ts'
import type { ProcessFacts } from './process-report.ts'

/** What is known of the port that a door leads in by. */
export interface PortTraits {
  /** The protocol that it is named after. */
  readonly named: string
  readonly hasTls: boolean
  /** The file of its certificate. */
  readonly certFile?: string | undefined
  /** Where traces are sent to over HTTP, as `/v1/traces`; undefined where they are not. */
  readonly tracesPath?: string | undefined
}

/** What the program around a collector is: what senders are told to do depends on it. */
export interface Surroundings {
  /** Whether the configuration is the program's own, so that its options change it. */
  readonly isOwnConfig: boolean
  /** The origin under which its own collector announces itself to those it exports to. */
  readonly statusAddress?: string | undefined
  /** Where what is stored can be seen, as `http://127.0.0.1:16686`. */
  readonly page?: string | undefined
  /** Where OTLP is taken, `host:port`, for those who send to a port of the program that is for something else. */
  readonly otlpHttp?: string | undefined
  readonly otlpGrpc?: string | undefined
}

/** What a sender chose that was refused, as far as it tells how to do better. Not to be trusted. */
export interface RefusalFacts {
  readonly method?: string | undefined
  readonly path?: string | undefined
  /** The name that the request was sent to. */
  readonly authority?: string | undefined
  readonly origin?: string | undefined
  readonly contentType?: string | undefined
  readonly contentEncoding?: string | undefined
  /** Which signal nothing takes here. */
  readonly signal?: Signal | undefined
  /** The scheme of the credentials that came; '' where there were none. */
  readonly credentials?: string | undefined
  /** What a body is whose headers say otherwise. */
  readonly body?: BodyForm | undefined
  /** What a client that speaks TLS wants to speak in it. */
  readonly wants?: 'grpc' | 'http' | undefined
}

/** What a body may be by its first bytes. */
export type BodyForm =
  | 'json'
  /** A list in JSON that is not Zipkin's. */
  | 'list'
  | 'zipkin'
  /** JavaScript's `String(object)`. */
  | 'object'
  | 'protobuf'
  /** A message behind the five bytes that gRPC has before each. */
  | 'grpc'
  | 'base64'
  | 'html'
  | 'text'
  | 'utf16'
  | 'empty'
  | CompressedForm

/** By the name that `content-encoding` has for it; `deflate` is with the header of zlib. */
export type CompressedForm = 'gzip' | 'zstd' | 'deflate'

/** Who sent something, as a socket tells it. */
export interface Peer {
  readonly remoteAddress?: string | undefined
  readonly remotePort?: number | undefined
  /** Where it has come to. */
  readonly localAddress?: string | undefined
  readonly localPort?: number | undefined
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
  /**
   * A message has come in whole: valid protobuf. One in many is looked at for where it comes from. `bodyBytes`: of what it was made from, where
   * nothing of that was refused.
   */
  arrived(signal: Signal, message: Uint8Array, bodyBytes?: number): void
  /** The pipelines have taken it. `items`: spans, data points or log records. */
  taken(items: number): void
  /** A request, or a part of one, was refused. `reason`: as the label of its counter. `detail`: for people, may come from the sender. */
  refused(reason: string, detail: string, facts?: RefusalFacts): void
  /** The header {@link ANNOUNCEMENT_HEADER}, where a request has it. It is believed of senders on this machine only. */
  announced(header: string): void
  /** The header {@link REPORT_HEADER}, where a request has it: what a process says of itself. */
  reported(header: string): void
  /** A browser asked whether it may send, and may. */
  preflight(origin: string): void
}

/** What the ledger says of one sender. */
export interface SenderReport {
  readonly receiver: string
  /** The protocol that it speaks. */
  readonly transport: string
  /** The address of this machine that it sends to, as `127.0.0.1:4318`; `''` where it is not known. */
  readonly port: string
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
  readonly outcomes: Readonly<Record<string, OutcomeReport>>
  /** Of a collector on this machine: where its status can be read. */
  readonly collector?: string
  /** From the requests that were looked at. */
  readonly sampled: SampledOrigin
  /** What is wrong now: of the last hour, and what it has not mended since. The gravest first. */
  readonly attention: readonly Attention[]
}

export interface OutcomeReport {
  readonly count: number
  readonly detail: string
  /** Milliseconds since 1970. */
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export interface SampledOrigin {
  readonly requests: number
  /** The items whose dropped counts were summed. */
  readonly items: number
  readonly droppedAttributes: number
  readonly droppedEvents: number
  readonly droppedLinks: number
  /** The first and the last start of a span in them, nanoseconds since 1970 as decimal text; absent where there is none. */
  readonly starts?: { readonly first: string; readonly last: string }
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

/** What a process says of itself, and whether it is still there. Times are milliseconds since 1970. */
export interface ProcessReport extends ProcessFacts {
  /** `gone`: nothing came from it any more, and it has not said goodbye. */
  readonly state: 'running' | 'ended' | 'gone'
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

export interface LedgerReport {
  /** Senders that are known at a time, at most. */
  readonly capacity: number
  /** Senders that went, as others were seen later. */
  readonly forgotten: number
  /** The latest first. */
  readonly senders: readonly SenderReport[]
  /** Those that report of themselves (`@spoor/instrument`) and were heard of within the last hour, the latest first. */
  readonly processes: readonly ProcessReport[]
  /** Of all senders and processes, the same thing of several senders with one user agent told once; the gravest first, at most 100. */
  readonly attention: readonly Attention[]
}

/** Keeps the accounts of the whole collector; its bound is on all of them. */
export interface Ledger {
  /** `traits`: default one without TLS that is named after `transport`. */
  door(receiver: string, transport: string, traits?: PortTraits): LedgerDoor
  report(): LedgerReport
}

const NOBODY: SenderAccount = { announced() {}, reported() {}, arrived() {}, taken() {}, refused() {}, preflight() {} }
/** Where no ledger is kept. */
export const NO_DOOR: LedgerDoor = { sender: () => NOBODY }
