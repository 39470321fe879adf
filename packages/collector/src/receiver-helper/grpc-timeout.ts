import { CollectorError } from '../component/index.ts'

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }
/** The longest that a timer can wait. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

/**
 * The `grpc-timeout` of a call in milliseconds, at most some 24 days; undefined where there is none. Throws
 * `invalid_data` for one that is not valid. Source: grpc/doc/PROTOCOL-HTTP2.md, "Timeout".
 */
export function parseGrpcTimeout(header: string | undefined): number | undefined {
  if (header === undefined) return undefined
  const [, value, unit] = /^(\d{1,8})([HMSmun])$/.exec(header) ?? []
  if (value === undefined || unit === undefined) {
    const message = `grpc-timeout is ${JSON.stringify(header.slice(0, 40))}; it must be 1 to 8 digits and a unit of H, M, S, m, u, n`
    throw new CollectorError('invalid_data', message)
  }
  return Math.min(Number(value) * UNIT_MS[unit]!, MAX_TIMEOUT_MS)
}
