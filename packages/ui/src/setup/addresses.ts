/** Where Spoor takes OTLP, as a sender writes it; undefined where it does not. */
export interface Addresses {
  /** `http://127.0.0.1:4318`. */
  readonly http?: string
  /** `http://127.0.0.1:4317`, as the environment of SDKs has it. */
  readonly grpc?: string
  /** `127.0.0.1:4317`, as a collector has it. */
  readonly grpcHost?: string
}

/** Hosts that say on which addresses it is listened, and by which nobody can reach it. */
const EVERYWHERE = new Set(['0.0.0.0', '[::]'])

/** `endpoints`: of the status. `pageHost`: the host that this page was reached by, which stands in for "every address". */
export function addressesOf(
  { otlpHttp, otlpGrpc }: { readonly otlpHttp?: string; readonly otlpGrpc?: string },
  pageHost: string,
): Addresses {
  const reached = (address: string) => {
    const url = new URL(address.includes('://') ? address : `http://${address}`)
    return `${EVERYWHERE.has(url.hostname) ? pageHost : url.hostname}:${url.port}`
  }
  const http = otlpHttp && reached(otlpHttp)
  const grpc = otlpGrpc && reached(otlpGrpc)
  return {
    ...(http && { http: `${otlpHttp.startsWith('https:') ? 'https' : 'http'}://${http}` }),
    ...(grpc && { grpc: `http://${grpc}`, grpcHost: grpc }),
  }
}
