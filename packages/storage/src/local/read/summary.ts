import type { ServiceShare, TraceSummary } from '../../contract.ts'
import { startOf, type BlockRows } from '../block/rows.ts'
import type { ResolvedTrace } from './set/evaluate.ts'
import { traceHex, type TraceParts } from './trace-parts.ts'
import { TraceSpans } from './trace-spans.ts'
import type { Turn } from './turn.ts'

/** Makes summaries for one query, one after the other, in memory that it uses again. */
export class Summarizer {
  readonly #turn: Turn
  readonly #spans = new TraceSpans()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /**
   * The summary of a trace from its columns. Spans that are the same in all columns (sent twice by a retry) count once. Undefined when there is
   * no time or memory for it.
   */
  async summarize({ id, parts }: TraceParts): Promise<TraceSummary | undefined> {
    const turn = this.#turn
    const spans = this.#spans
    spans.clear()
    const operations = new Operations()
    let last: bigint | undefined
    for (const { rows } of parts) {
      const numbers = operations.of(rows)
      for (let row = 0; row < rows.count; row++) {
        if (turn.work(60) && (await turn.breathe())) return undefined
        if (!spans.add(rows, row, numbers(row), turn)) return undefined
        last = later(last, rows, row)
      }
    }
    await spans.dropTwins(turn)
    await spans.resolve(turn)
    await spans.measure(turn)
    return turn.stopped ? undefined : this.#summaryOf(id, operations, last!)
  }

  /** What was found out of the trace that was summarized last: to be used before the next one is. */
  get resolved(): Omit<ResolvedTrace, 'summary'> {
    const { count, distinctOf, parent } = this.#spans
    return { count, distinctOf, parent }
  }

  async #summaryOf(id: Uint32Array, operations: Operations, last: bigint): Promise<TraceSummary | undefined> {
    const turn = this.#turn
    const { count, start, end, parent, error, operation, self, base } = this.#spans
    const shares: { name: string; spans: number; errors: number; selfTimeNs: number }[] = []
    const { services, serviceOf } = operations
    for (const name of services.keys()) shares.push({ name, spans: 0, errors: 0, selfTimeNs: 0 })
    let first = Infinity
    let errors = 0
    let orphans = 0
    let [root, orphan, earliest] = [-1, -1, 0]
    for (let i = 0; i < count; i++) {
      if (turn.work(20) && (await turn.breathe())) return undefined
      if (start[i]! < first) {
        first = start[i]!
        earliest = i
      }
      if (!this.#spans.hasParent(i)) {
        if (root < 0 || start[i]! < start[root]!) root = i
      } else if (parent[i]! < 0) {
        orphans++
        if (orphan < 0 || start[i]! < start[orphan]!) orphan = i
      }
      errors += error[i]!
      const share = shares[serviceOf[operation[i]!]!]!
      share.spans++
      share.errors += error[i]!
      share.selfTimeNs += self[i]!
    }
    const top = root >= 0 ? root : orphan >= 0 ? orphan : earliest
    const { service, name } = operations.names[operation[top]!]!
    const startNs = base + BigInt(first)
    const requestStart = base + BigInt(start[top]!)
    const requestDurationNs = Math.max(0, end[top]! - start[top]!)
    return {
      traceId: traceHex(id),
      rootService: service,
      rootName: name,
      start: startNs,
      durationNs: Number(last - startNs),
      requestStart,
      requestDurationNs,
      tailNs: Math.max(0, Number(last - requestStart) - requestDurationNs),
      spans: count,
      errors,
      orphans,
      services: shares
        .filter(({ spans }) => spans > 0)
        .sort((a, b) => (a.name < b.name ? -1 : 1)) satisfies ServiceShare[],
    }
  }
}

/** Numbers operations, by service and name, over all blocks of a trace. */
class Operations {
  readonly names: { readonly service: string; readonly name: string }[] = []
  readonly services = new Map<string, number>()
  /** Operation -> service, in the order of {@link services}. */
  readonly serviceOf: number[] = []
  readonly #numbers = new Map<string, Map<string, number>>()

  /** The number of the operation of a row. */
  of(rows: BlockRows): (row: number) => number {
    const known = new Map<number, number>()
    return (row) => {
      const own = rows.operation[row]!
      let number = known.get(own)
      if (number === undefined) known.set(own, (number = this.#number(rows.operations[own]!)))
      return number
    }
  }

  #number({ service, name }: { readonly service: string; readonly name: string }): number {
    let names = this.#numbers.get(service)
    if (!names) {
      this.#numbers.set(service, (names = new Map()))
      this.services.set(service, this.services.size)
    }
    let number = names.get(name)
    if (number === undefined) {
      number = this.names.push({ service, name }) - 1
      names.set(name, number)
      this.serviceOf.push(this.services.get(service)!)
    }
    return number
  }
}

/** Exact also where starts and durations are out of all proportion, as the search's trace table has it. */
function later(last: bigint | undefined, rows: BlockRows, row: number): bigint {
  const end = startOf(rows, row) + BigInt(rows.durationNs[row]!)
  return last === undefined || end > last ? end : last
}
