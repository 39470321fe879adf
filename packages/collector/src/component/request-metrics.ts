/**
 * Figures of single requests, for who asks for metrics in detail: names and labels are those of OpenTelemetry's semantic conventions for HTTP and RPC,
 * as the OpenTelemetry Collector 0.160 has them. Labels have few values each: nothing that a sender chooses is among them.
 */
import type { Context } from './component.ts'
import { grpcName } from './status.ts'

/** Those of the OpenTelemetry Collector: seconds, and bytes. */
const SECONDS: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
const BYTES: readonly number[] = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1000, 2500, 5000, 7500, 10_000]
const METHODS: readonly string[] = ['CONNECT', 'DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT', 'TRACE']

/** Whom requests go to or come to, for the labels. */
export interface Endpoint {
  readonly server_address: string
  readonly server_port: string
}

/** One HTTP request and its answer. */
export interface HttpFigures {
  readonly method: string
  /** A status, or the code of the error that left it without one. */
  readonly outcome: number | string
  /** The path, where it is one that is served. */
  readonly route?: string | undefined
  /** As Node has it: `1.1`. */
  readonly version: string
  readonly durationMs: number
  readonly requestBytes: number
  /** Undefined: it is not told. */
  readonly responseBytes?: number
}

/** `side`: `server` for requests that come in. Undefined where nobody asks. */
export function httpMetrics(
  { counters, isDetailed }: Context,
  side: 'server' | 'client',
  endpoint: Endpoint & { readonly url_scheme: string },
): ((figures: HttpFigures) => void) | undefined {
  if (isDetailed !== true) return undefined
  return ({ method, outcome, route, version, durationMs, requestBytes, responseBytes }) => {
    const labels = {
      ...endpoint,
      http_request_method: METHODS.includes(method) ? method : '_OTHER',
      [typeof outcome === 'number' ? 'http_response_status_code' : 'error_type']: String(outcome),
      ...(route !== undefined && { http_route: route }),
      network_protocol_name: 'http',
      network_protocol_version: version === '2.0' ? '2' : version,
    }
    counters.histogram(`http_${side}_request_duration`, labels, SECONDS).record(durationMs / 1000)
    counters.histogram(`http_${side}_request_body_size`, labels, BYTES).record(requestBytes)
    if (responseBytes === undefined) return
    counters.histogram(`http_${side}_response_body_size`, labels, BYTES).record(responseBytes)
  }
}

/** Gets a method as `/package.Service/Method`, the code of its status, and milliseconds. Undefined where nobody asks. */
export function rpcMetrics(
  { counters, isDetailed }: Context,
  side: 'server' | 'client',
  endpoint: Partial<Endpoint> = {},
): ((path: string, code: number, durationMs: number) => void) | undefined {
  if (isDetailed !== true) return undefined
  return (path, code, durationMs) => {
    const rpc_method = path.slice(1)
    const labels = { ...endpoint, rpc_method, rpc_response_status_code: grpcName(code), rpc_system_name: 'grpc' }
    counters.histogram(`rpc_${side}_call_duration`, labels, SECONDS).record(durationMs / 1000)
  }
}
