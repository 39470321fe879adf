import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { errorMonitor, type EventEmitter } from 'node:events'
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import {
  type Context,
  diag,
  type Exception,
  propagation,
  type Span,
  SpanKind,
  SpanStatusCode,
  type TextMapSetter,
  trace,
} from '@opentelemetry/api'
import { isTracingSuppressed, RPCType, setRPCMetadata } from '@opentelemetry/core'
import { InstrumentationBase } from '@opentelemetry/instrumentation'
import { bindEmitter, contexts } from '../context-manager.ts'
import { rootContext } from '../flat-context.ts'
import type { RecordingSpan } from '../trace/recording-span.ts'
import type { OwnOptions } from '../trace/tracer.ts'
import { clientAttributes, portAttributes, responseAttributes } from './client-attributes.ts'
import { serverAttributes } from './server-attributes.ts'

/** What Node publishes: before a server's listeners get a request; as a request is made; as its answer comes. */
const channels = {
  incoming: 'http.server.request.start',
  outgoing: 'http.client.request.created',
  answered: 'http.client.response.finish',
} as const

const watched = Symbol('spoor.watched')
const answeredWith = Symbol('spoor.answered')
type Server = EventEmitter & { [watched]?: HttpSpans }
interface Served {
  readonly within: Context
  readonly end: (error?: Exception) => void
}
type Outgoing = ClientRequest & { [answeredWith]?: (response: IncomingMessage) => void }

/**
 * Spans of `node:http` and `node:https`, servers and clients, by what Node publishes of them: no module is patched and none is loaded for it, so
 * that the order of imports makes no difference. Names, parents and attributes are those of `@opentelemetry/instrumentation-http`. A server's own `emit` is replaced when it gets its first request, as its listeners have to run in the request's context.
 */
export class HttpSpans extends InstrumentationBase {
  readonly #onIncoming = harmless((message: unknown): void => this.#watch((message as { server: Server }).server))
  readonly #onOutgoing = harmless((message: unknown): void => this.#send((message as { request: Outgoing }).request))
  #isEnabled = false

  constructor() {
    super('@spoor/instrument/http', '0.1.0', { enabled: false })
    this.enable()
  }

  protected init(): [] {
    return []
  }

  override enable(): void {
    if (this.#isEnabled) return
    this.#isEnabled = true
    subscribe(channels.incoming, this.#onIncoming)
    subscribe(channels.outgoing, this.#onOutgoing)
    subscribe(channels.answered, onAnswered)
  }

  override disable(): void {
    this.#isEnabled = false
    unsubscribe(channels.incoming, this.#onIncoming)
    unsubscribe(channels.outgoing, this.#onOutgoing)
    unsubscribe(channels.answered, onAnswered)
  }

  #watch(server: Server): void {
    const isWatched = server[watched] !== undefined
    // Tracing that was started anew takes the place of what was shut down.
    server[watched] = this
    if (isWatched) return
    const emit = server.emit.bind(server)
    server.emit = (...args) => {
      const spans = server[watched]
      if (args[0] !== 'request' || spans === undefined || !spans.#isEnabled || isOfHttp2(args[1])) return emit(...args)
      const served = spans.#serve(args[1] as IncomingMessage, args[2] as ServerResponse)
      if (served === undefined) return emit(...args)
      try {
        return contexts().with(served.within, emit, undefined, ...args)
      } catch (error) {
        served.end(error as Error)
        throw error
      }
    }
  }

  /** A request's context, and what ends its span; undefined where something of tracing itself fails, which must not be the request's. */
  #serve(request: IncomingMessage, response: ServerResponse): Served | undefined {
    try {
      return this.#begin(request, response)
    } catch (error) {
      diag.error('A request is not traced.', error)
      return undefined
    }
  }

  #begin(request: IncomingMessage, response: ServerResponse): Served {
    const method = request.method ?? 'GET'
    const parent = propagation.extract(rootContext, request.headers)
    const options: OwnOptions = { kind: SpanKind.SERVER, attributes: serverAttributes(request), isOwn: true }
    const span = this.tracer.startSpan(method, options, parent)
    const metadata: { type: RPCType.HTTP; span: Span; route?: string } = { type: RPCType.HTTP, span }
    const within = setRPCMetadata(trace.setSpan(parent, span), metadata)
    bindEmitter(request, within)
    if (!span.isRecording()) {
      bindEmitter(response, within)
      return { within, end: () => {} }
    }
    let hasEnded = false
    const end = (error?: Exception): void => {
      if (hasEnded) return
      hasEnded = true
      const { statusCode } = response
      span.setAttribute('http.response.status_code', statusCode)
      // Some frameworks tell it to the span itself.
      const told = (span as Partial<RecordingSpan>).attributes?.['http.route']
      const route = metadata.route ?? (typeof told === 'string' ? told : undefined)
      if (route !== undefined) {
        span.setAttribute('http.route', route)
        if (route !== '') span.updateName(`${method} ${route}`)
      }
      if (error !== undefined) fail(span, error)
      else if (statusCode >= 500) {
        span.setAttribute('error.type', String(statusCode))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    }
    bindEmitter(response, within, (event, value) => {
      if (event === 'close') end()
      else if (event === 'error') end(value as Error)
    })
    return { within, end }
  }

  #send(request: Outgoing): void {
    const active = contexts().active()
    if (isTracingSuppressed(active)) return
    const attributes = clientAttributes(request)
    const options: OwnOptions = { kind: SpanKind.CLIENT, attributes, isOwn: true }
    const span = this.tracer.startSpan(request.method, options, active)
    inject(trace.setSpan(active, span), request)
    if (!span.isRecording()) return
    let answer: IncomingMessage | undefined
    let hasEnded = false
    const see = (response: IncomingMessage): void => {
      answer = response
      span.setAttributes(responseAttributes(response))
      if (attributes['server.port'] === undefined)
        span.setAttributes(portAttributes(request, response.socket?.remotePort))
    }
    const end = (error?: Exception): void => {
      if (hasEnded) return
      hasEnded = true
      // An answer by which a connection is taken over is published by an event alone.
      const response = answer ?? (request as unknown as { res?: IncomingMessage | null }).res ?? undefined
      if (response !== undefined && answer === undefined) see(response)
      const status = response?.statusCode
      const problem = error ?? response?.errored ?? undefined
      if (problem !== undefined) fail(span, problem)
      else if (status !== undefined && status >= 400) {
        span.setAttribute('error.type', String(status))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    }
    request[answeredWith] = (response) => {
      see(response)
      // Before the application's listeners, so that what they do is not within the call.
      response.on('end', () => end())
    }
    request.on('close', () => end())
    request.on(errorMonitor, end)
  }
}

/** A server of `node:http2` that takes both emits both: those of HTTP/2 have no spans, with OpenTelemetry's instrumentation either. */
function isOfHttp2(request: unknown): boolean {
  return (request as IncomingMessage).httpVersionMajor === 2
}

const onAnswered = harmless((message: unknown): void => {
  const { request, response } = message as { request: Outgoing; response: IncomingMessage }
  request[answeredWith]?.(response)
})

/** What a subscriber throws would end the process. */
function harmless(subscriber: (message: unknown) => void): (message: unknown) => void {
  return (message) => {
    try {
      subscriber(message)
    } catch (error) {
      diag.error('A request is not traced.', error)
    }
  }
}

function fail(span: Span, error: Exception): void {
  const { name, message } = typeof error === 'string' ? { name: '_OTHER', message: error } : error
  span.setAttribute('error.type', name ?? '_OTHER')
  span.setStatus({ code: SpanStatusCode.ERROR, ...(message !== undefined && { message }) })
  span.recordException(error)
}

function inject(within: Context, request: ClientRequest): void {
  propagation.inject(within, request, setter)
}

const setter: TextMapSetter<ClientRequest> = {
  set(request, key, value) {
    if (!request.headersSent) {
      request.setHeader(key, value)
      return
    }
    // With `expect`, or headers in a list, they are text already, and none of it is on its way: it waits here and, with `expect`, for the socket.
    // Node has no public way to them; one that keeps them otherwise leaves the request as it is.
    const texts = request as unknown as { _header?: unknown; outputData?: { data: unknown }[] }
    const before = texts._header
    if (typeof before !== 'string') {
      diag.warn(
        `${key} does not go along with a request whose headers are a list or say "expect": Node ${process.version} has them elsewhere.`,
      )
      return
    }
    texts._header = before.replace(/\r\n\r\n$/, `\r\n${key}: ${value}\r\n\r\n`)
    const [first] = texts.outputData ?? []
    if (first?.data === before) first.data = texts._header
  },
}
