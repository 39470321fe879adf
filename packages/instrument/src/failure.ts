/** How many spans, in words. */
export function spansText(count: number): string {
  return count === 1 ? '1 span' : `${count.toLocaleString('en-US')} spans`
}

/** Seconds, minutes or milliseconds for a line of text. */
export function durationText(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`
  if (ms < 120_000) return `${Number((ms / 1_000).toFixed(1))} s`
  return `${Math.round(ms / 60_000)} min`
}

/**
 * Why an export failed and what to try, from what the SDK's exporters hand over: socket errors with a `code` such as
 * ECONNREFUSED (for `localhost` an AggregateError without a message), `OTLPExporterError` with the HTTP status in
 * `code` and the body in `data`, and gRPC service errors with the gRPC status in `code`.
 */
export function describeFailure(error: Error | undefined, protocol: string): string {
  if (!error) return 'no reason given'
  const code: unknown = (error as { code?: unknown }).code
  if (typeof code === 'string') return `${code}${hints[code] ?? ''}`
  if (typeof code === 'number') {
    if (protocol === 'grpc') return `gRPC status ${error.message}${grpcHints[code] ?? ''}`
    const answer = readableText((error as { data?: unknown }).data)
    return `HTTP ${code}${error.message ? ` ${error.message}` : ''}${answer ? `: ${answer}` : (httpHints[code] ?? '')}`
  }
  return error.message || error.name
}

/** The words in an answer, which may be plain text, JSON or a serialized `google.rpc.Status`. At most 300 characters. */
function readableText(data: unknown): string {
  if (typeof data !== 'string') return ''
  const runs = data.match(/[^\p{C}\uFFFD]{8,}/gu) ?? []
  return runs.reduce((longest, run) => (run.length > longest.length ? run : longest), '').slice(0, 300)
}

const hints: Readonly<Record<string, string>> = {
  ECONNREFUSED: ', nothing listens there',
  ENOTFOUND: ', no such host',
  ECONNRESET: ', the other side closed the connection; is it a port for this protocol?',
  HPE_INVALID_CONSTANT: ', the answer is not HTTP; is this a gRPC port?',
}

const httpHints: Readonly<Record<number, string>> = {
  400: '; the receiver does not understand the request',
  401: '; check the headers',
  403: '; check the headers',
  404: '; check the path, receivers expect /v1/traces',
  405: '; check the path, receivers expect /v1/traces',
  415: '; the receiver does not take this protocol',
}

const grpcHints: Readonly<Record<number, string>> = {
  14: '; is it an OTLP/gRPC port?',
  16: '; check the headers',
}
