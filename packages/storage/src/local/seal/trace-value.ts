import { sectionOf, whole } from '../files/read-back.ts'
import type { File } from '../files/file-system.ts'
import type { PlacedSection } from '../files/sealed-file.ts'
import type { KeepSettings } from '../options.ts'
import { hashWords } from '../block/hash.ts'
import type { BlockRows, OperationKey } from '../block/rows.ts'
import { traceWords } from '../read/trace-parts.ts'

/*
 * Which traces of a sealed segment are worth to be kept. Traces are told apart by a number that is made of their ids: two of them have the same once in 2^53
 * pairs, and then one is kept that need not be.
 */

export type Traces = Set<number>

/** Why traces of a segment are kept; of its own spans. */
export interface TraceValue {
  readonly errors: Traces
  readonly slow: Traces
}

/** Of 53 bits. `trace`: four words each. */
export function numberOf(ids: Uint32Array, trace: number): number {
  const at = 4 * trace
  const [a, b, c, d] = [ids[at]!, ids[at + 1]!, ids[at + 2]!, ids[at + 3]!]
  const low = Math.imul(a ^ d, 0x9e3779b1) ^ Math.imul(b ^ c, 0x85ebca6b)
  return (hashWords(a, b, c, d) >>> 0) * 2 ** 21 + (low >>> 11)
}

export function numberOfHex(traceId: string): number {
  return numberOf(traceWords(traceId), 0)
}

/** What is damaged has no value. `goOn` is awaited after each section. Rejects with what it does, and with what the file system throws. */
export async function valueOf(
  file: File,
  sections: readonly PlacedSection[],
  policy: KeepSettings,
  goOn: () => Promise<void>,
): Promise<TraceValue> {
  const errors: Traces = new Set()
  const requests = new Requests()
  for (const placed of sections) {
    const section = sectionOf(file, placed)
    if (policy.errors) {
      whole(() => {
        const { traceIds, errors: counts } = section.extents()
        for (const [trace, count] of counts.entries()) if (count > 0) errors.add(numberOf(traceIds, trace))
      })
    }
    if (policy.slowerThan !== undefined) whole(() => requests.add(section.rows()))
    await goOn()
  }
  return { errors, slow: policy.slowerThan === undefined ? new Set() : requests.slowerThan(policy.slowerThan) }
}

/** All traces that there are, as {@link valueOf}. */
export async function tracesIn(
  file: File,
  sections: readonly PlacedSection[],
  goOn: () => Promise<void>,
): Promise<Traces> {
  const traces: Traces = new Set()
  for (const placed of sections) {
    const section = sectionOf(file, placed)
    whole(() => {
      const { traceIds, traceCount } = section.extents()
      for (let trace = 0; trace < traceCount; trace++) traces.add(numberOf(traceIds, trace))
    })
    await goOn()
  }
  return traces
}

/** Of one operation. */
interface OwnRequests {
  readonly traces: number[]
  readonly durations: number[]
}

/** The requests of a segment by their operation. */
class Requests {
  readonly #operations = new Map<string, OwnRequests>()

  /** The request of a trace is its earliest span without a parent; where there is none, its earliest span. */
  add(rows: BlockRows): void {
    const { trace, traceIds, operations, operation, durationNs, parentId } = rows
    const known = operations.map((key) => this.#of(key))
    for (let first = 0, end = 0; first < rows.count; first = end) {
      let root = -1
      for (end = first; end < rows.count && trace[end] === trace[first]; end++)
        if (root < 0 && (parentId[2 * end]! | parentId[2 * end + 1]!) === 0) root = end
      const request = root < 0 ? first : root
      const { traces, durations } = known[operation[request]!]!
      traces.push(numberOf(traceIds, trace[first]!))
      durations.push(Math.max(0, durationNs[request]!))
    }
  }

  /** Of whatever kind. */
  #of({ service, name }: OperationKey): OwnRequests {
    const key = JSON.stringify([service, name])
    let own = this.#operations.get(key)
    if (!own) this.#operations.set(key, (own = { traces: [], durations: [] }))
    return own
  }

  /** By the nearest rank: of fewer than 100 / (100 - percentile) requests none is slower. */
  slowerThan(percentile: number): Traces {
    const slow: Traces = new Set()
    for (const { traces, durations } of this.#operations.values()) {
      const sorted = Float64Array.from(durations).sort()
      const limit = sorted[Math.ceil((percentile / 100) * sorted.length) - 1] ?? Infinity
      for (const [i, duration] of durations.entries()) if (duration > limit) slow.add(traces[i]!)
    }
    return slow
  }
}
