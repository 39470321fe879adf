/**
 * One function that knows how to post a request, over HTTP or gRPC. **It refers to nothing outside itself**: it runs in
 * the process while that lives, and its text runs in a worker thread when the process ends (`last-send.ts`), also where
 * a bundler has put everything into one file.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import type { ClientHttp2Session } from 'node:http2'

/** Where requests go to. Can be cloned to a thread. */
export interface SenderSettings {
  readonly protocol: 'http/protobuf' | 'http/json' | 'grpc'
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly compression: 'gzip' | 'none'
  /** Milliseconds in which one request must be answered. */
  readonly timeoutMs: number
  readonly tls: { readonly ca?: Uint8Array; readonly cert?: Uint8Array; readonly key?: Uint8Array }
}

/** Why a request was not taken. Plain data. */
export interface SendFailure {
  /** HTTP status, gRPC status, or Node's name for what went wrong with the connection. */
  readonly code: number | string
  /** What Node or the receiver says of it; may be empty. */
  readonly words: string
  /** Of an answer over HTTP. */
  readonly contentType?: string
  /** Where an answer leads to: exporters do not follow, as what they send would be another request there. */
  readonly location?: string
  /** The same request may be taken when it is sent again. */
  readonly retryable: boolean
  /** Milliseconds for which the receiver asks to be left alone. */
  readonly retryAfterMs?: number
}

/** What became of a request. Without `failure` the receiver has taken it, but for `rejected` of its spans. */
export interface SendResult {
  readonly failure?: SendFailure
  readonly rejected?: number
  /** The receiver's words for a partial success, which may be a mere warning. */
  readonly words?: string
  /** The receiver is a Spoor that wants reports of processes. */
  readonly takesReports?: boolean
}

export interface Sender {
  /** Never rejects. `more`: headers of this request alone. */
  readonly send: (body: Uint8Array, more?: Readonly<Record<string, string>>) => Promise<SendResult>
  /** Lets go of connections. */
  readonly close: () => void
}

export function createSender(settings: SenderSettings): Sender {
  const { protocol, url, compression, timeoutMs } = settings
  const maxAnswerBytes = 65_536
  // Buffers come as plain Uint8Arrays out of a clone, which TLS does not take for PEM text.
  const tls: Record<string, Buffer> = {}
  for (const [name, bytes] of Object.entries(settings.tls)) tls[name] = Buffer.from(bytes)
  return protocol === 'grpc' ? grpcSender() : httpSender()

  function httpSender(): Sender {
    const http = process.getBuiltinModule(url.startsWith('https:') ? 'node:https' : 'node:http')
    const agent = new http.Agent({ keepAlive: true, ...tls })
    const headers: Record<string, string> = {
      'user-agent': 'spoor-instrument',
      ...settings.headers,
      'content-type': protocol === 'http/json' ? 'application/json' : 'application/x-protobuf',
    }
    if (compression === 'gzip') headers['content-encoding'] = 'gzip'

    function post(
      payload: Uint8Array,
      reused: boolean,
      more: Readonly<Record<string, string>> = {},
    ): Promise<SendResult> {
      return new Promise((resolve) => {
        let request: ClientRequest
        const fail = (code: number | string, words: string, retryable: boolean): void =>
          resolve({ failure: { code, words, retryable } })
        const timer = setTimeout(() => {
          fail('TIMEOUT', `no answer within ${timeoutMs} ms`, true)
          request.destroy()
        }, timeoutMs)
        timer.unref()
        const onError = (error: NodeJS.ErrnoException): void => {
          clearTimeout(timer)
          // A connection that was kept may have been closed while the request was on its way: nothing is wrong with that.
          if (request.reusedSocket && !reused && error.code === 'ECONNRESET') resolve(post(payload, true, more))
          else fail(errorCode(error), errorWords(error), isTransient(error))
        }
        try {
          const options = {
            method: 'POST',
            agent,
            headers: { ...headers, ...more, 'content-length': String(payload.length) },
          }
          request = http.request(url, options, (response) => {
            response.on('error', onError)
            read(response, (answer) => {
              clearTimeout(timer)
              resolve(judge(response, answer))
            })
          })
          request.on('error', onError)
          request.end(payload)
        } catch (error) {
          // A header with characters that it may not have, for example.
          clearTimeout(timer)
          fail(errorCode(error as NodeJS.ErrnoException), errorWords(error as NodeJS.ErrnoException), false)
        }
      })
    }

    function read(response: IncomingMessage, done: (answer: Buffer) => void): void {
      const parts: Buffer[] = []
      let size = 0
      response.on('data', (part: Buffer) => {
        size += part.length
        if (size <= maxAnswerBytes) parts.push(part)
      })
      response.on('end', () => done(Buffer.concat(parts)))
    }

    function judge(response: IncomingMessage, answer: Buffer): SendResult {
      const status = response.statusCode ?? 0
      const contentType = response.headers['content-type'] ?? ''
      const isOtlp = answer.length === 0 || /^application\/(x-protobuf|protobuf|json)/i.test(contentType)
      if (status >= 200 && status < 300) {
        if (isOtlp)
          return {
            ...partialSuccess(answer, /json/i.test(contentType)),
            ...wanted(response.headers['spoor-takes-reports']),
          }
        const failure = { code: 'NOT_OTLP', words: answer.toString('utf8', 0, 300), contentType, retryable: false }
        return { failure }
      }
      const seconds = Number(response.headers['retry-after'])
      const failure = {
        code: status,
        words: answer.toString('utf8', 0, 4_000),
        contentType,
        retryable: status === 429 || status === 502 || status === 503 || status === 504,
        ...(seconds > 0 && { retryAfterMs: seconds * 1_000 }),
        ...(response.headers.location !== undefined && { location: response.headers.location }),
      }
      return { failure }
    }

    return {
      send: async (body, more) => post(await compress(body), false, more),
      close: () => agent.destroy(),
    }
  }

  function grpcSender(): Sender {
    const http2 = process.getBuiltinModule('node:http2')
    const headers: Record<string, string> = {
      'user-agent': 'spoor-instrument',
      ...settings.headers,
      ':method': 'POST',
      ':path': '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
      'content-type': 'application/grpc',
      te: 'trailers',
    }
    if (compression === 'gzip') headers['grpc-encoding'] = 'gzip'
    let session: ClientHttp2Session | undefined
    let broken: NodeJS.ErrnoException | undefined

    function connect(): ClientHttp2Session {
      if (session && !session.closed && !session.destroyed) return session
      broken = undefined
      // A path of a Unix socket stands in the place of the host.
      const path = url.startsWith('unix:') ? url.replace(/^unix:(\/\/)?/, '') : undefined
      const net = process.getBuiltinModule('node:net')
      const fresh = http2.connect(path === undefined ? url : 'http://localhost', {
        ...tls,
        ...(path !== undefined && { createConnection: () => net.connect(path) }),
      })
      fresh.on('error', (error: NodeJS.ErrnoException) => (broken ??= error))
      fresh.on('goaway', () => {
        if (session === fresh) session = undefined
      })
      session = fresh
      return fresh
    }

    function post(payload: Uint8Array, more: Readonly<Record<string, string>> = {}): Promise<SendResult> {
      return new Promise((resolve) => {
        const prefix = Buffer.alloc(5)
        prefix[0] = compression === 'gzip' ? 1 : 0
        prefix.writeUInt32BE(payload.length, 1)
        let status: string | undefined
        let words = ''
        let httpStatus = 200
        let contentType = ''
        let failed: NodeJS.ErrnoException | undefined
        let reports: unknown
        const parts: Buffer[] = []

        const fail = (failure: SendFailure): void => resolve({ failure })
        let own: ClientHttp2Session
        try {
          own = connect()
          own.ref()
        } catch (error) {
          fail({
            code: errorCode(error as NodeJS.ErrnoException),
            words: errorWords(error as NodeJS.ErrnoException),
            retryable: false,
          })
          return
        }
        const stream = own.request({ ...headers, ...more })
        const timer = setTimeout(() => {
          fail({ code: 'TIMEOUT', words: `no answer within ${timeoutMs} ms`, retryable: true })
          // A connection that does not answer is not asked again.
          own.destroy()
          session = undefined
        }, timeoutMs)
        timer.unref()
        const note = (fields: NodeJS.Dict<string | string[]>): void => {
          status ??= fields['grpc-status']?.toString()
          if (fields['grpc-message']) words = decode(fields['grpc-message'].toString())
        }
        stream.on('response', (fields) => {
          httpStatus = fields[':status'] ?? 200
          contentType = fields['content-type'] ?? ''
          reports = fields['spoor-takes-reports']
          note(fields)
        })
        stream.on('trailers', note)
        stream.on('data', (part: Buffer) => parts.push(part))
        stream.on('error', (error: NodeJS.ErrnoException) => (failed = error))
        stream.on('close', () => {
          clearTimeout(timer)
          if (!own.destroyed) own.unref()
          // A stream that its connection took with it has the connection's error as its cause.
          const error = broken ?? (failed?.cause as NodeJS.ErrnoException | undefined) ?? failed
          if (status === '0')
            resolve({ ...partialSuccess(Buffer.concat(parts).subarray(5), false), ...wanted(reports) })
          else if (status !== undefined) {
            // CANCELLED, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, OUT_OF_RANGE, UNAVAILABLE, DATA_LOSS
            fail({ code: Number(status), words, retryable: ['1', '4', '8', '10', '11', '14', '15'].includes(status) })
          } else if (error) fail({ code: errorCode(error), words: errorWords(error), retryable: isTransient(error) })
          else {
            const said = Buffer.concat(parts).toString('utf8', 0, 300)
            fail({ code: 'NOT_GRPC', words: `HTTP ${httpStatus} ${said}`.trim(), contentType, retryable: false })
          }
        })
        stream.end(Buffer.concat([prefix, payload]))
      })
    }

    return {
      send: async (body, more) => post(await compress(body), more),
      close: () => {
        session?.destroy()
        session = undefined
      },
    }
  }

  /** A value of another form is of a Spoor that is newer. */
  function wanted(header: unknown): Pick<SendResult, 'takesReports'> {
    return header === '1' ? { takesReports: true } : {}
  }

  function compress(body: Uint8Array): Uint8Array | Promise<Uint8Array> {
    if (compression === 'none') return body
    const zlib = process.getBuiltinModule('node:zlib')
    return new Promise((resolve, reject) => {
      zlib.gzip(body, (error, zipped) => (error ? reject(error) : resolve(zipped)))
    })
  }

  /** `ExportTraceServiceResponse`: partial_success (1) has rejected_spans (1) and error_message (2). */
  function partialSuccess(answer: Buffer, isJson: boolean): SendResult {
    if (answer.length === 0) return {}
    try {
      if (isJson) {
        const { partialSuccess: partial } = JSON.parse(answer.toString()) as {
          partialSuccess?: { rejectedSpans?: string | number; errorMessage?: string }
        }
        return partial ? { rejected: Number(partial.rejectedSpans ?? 0), words: partial.errorMessage ?? '' } : {}
      }
      let result: SendResult = {}
      eachField(answer, (field, _, inner) => {
        if (field !== 1 || !inner) return
        let rejected = 0
        let words = ''
        eachField(inner, (part, number, text) => {
          if (part === 1) rejected = number
          if (part === 2 && text) words = text.toString()
        })
        result = { rejected, words }
      })
      return result
    } catch {
      // It was taken; what else the answer says is not understood.
      return {}
    }
  }

  function eachField(bytes: Buffer, visit: (field: number, value: number, content?: Buffer) => void): void {
    let p = 0
    const varint = (): number => {
      let value = 0
      for (let scale = 1; ; scale *= 128) {
        if (p >= bytes.length) throw new RangeError('cut off')
        const byte = bytes[p++]!
        value += (byte & 127) * scale
        if (byte < 128) return value
      }
    }
    while (p < bytes.length) {
      const tag = varint()
      const value = varint()
      if ((tag & 7) === 0) visit(tag >>> 3, value)
      else if ((tag & 7) === 2) visit(tag >>> 3, value, bytes.subarray(p, (p += value)))
      else throw new RangeError('a field that does not belong there')
    }
  }

  /** For `localhost` Node tries two addresses, and puts what it got into an error without a message. */
  function errorCode(error: NodeJS.ErrnoException): string {
    const [first] = (error as { errors?: NodeJS.ErrnoException[] }).errors ?? []
    return error.code ?? first?.code ?? error.name
  }

  function errorWords(error: NodeJS.ErrnoException): string {
    const all = (error as { errors?: NodeJS.ErrnoException[] }).errors ?? [error]
    return all.map(({ message }) => message).join('; ')
  }

  function isTransient(error: NodeJS.ErrnoException): boolean {
    const lasting = /^(CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|ERR_TLS|ERR_SSL|HPE_|ERR_INVALID|ERR_HTTP2_ERROR)/
    return !lasting.test(errorCode(error))
  }

  function decode(text: string): string {
    try {
      return decodeURIComponent(text)
    } catch {
      return text
    }
  }
}
