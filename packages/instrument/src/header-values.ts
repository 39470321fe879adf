import { http } from './node-http.ts'
import { maskSecret } from './failure.ts'

/** Headers, keys in lower case as gRPC wants them and HTTP does not mind, and where each was set. */
export interface Headers {
  readonly headers: Record<string, string>
  readonly from: Record<string, string>
}

/**
 * `key=value` pairs with commas in between, values percent-encoded: the form of `OTEL_EXPORTER_OTLP_HEADERS`, which is
 * that of W3C baggage. What cannot be a header is reported, masked, and left out.
 */
export function parseHeaders(text: string, from: string, report: (finding: string) => void): Headers {
  const parsed: Headers = { headers: {}, from: {} }
  for (const pair of text.split(',').map((part) => part.trim())) {
    if (pair === '') continue
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(at, 0)).trim().toLowerCase()
    const value = decode(pair.slice(at + 1).trim())
    const problem = at <= 0 ? 'it is not key=value' : headerProblem(name, value)
    if (problem === undefined) {
      parsed.headers[name] = value
      parsed.from[name] = from
    } else report(`${from}: ${problem}; write it as ${from}="${suggestion(pair)}"`)
  }
  return parsed
}

/** Why this cannot be sent as a header, or undefined. */
export function headerProblem(name: string, value: string): string | undefined {
  try {
    http.validateHeaderName(name)
    http.validateHeaderValue(name, value)
    return undefined
  } catch {
    return `"${name}: ${maskSecret(value)}" cannot be a header`
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** What was probably meant by `Authorization: Bearer abc`, with the secret left out. */
function suggestion(pair: string): string {
  const name = /^["']?([!#$%&'*+.^_`|~\w-]+)/.exec(pair)?.[1]?.toLowerCase() ?? 'authorization'
  return `${name}=${name === 'authorization' ? 'Bearer%20' : ''}…`
}
