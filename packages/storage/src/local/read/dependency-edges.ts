import { binOf } from '../../duration-bins.ts'
import type { DependencyEdge } from '../../contract.ts'
import type { BlockRows } from '../block/rows.ts'
import { Histogram } from './aggregate/histogram.ts'
import { PartReader, PartWriter, type WrittenPart } from './aggregate/part-form.ts'
import type { Turn } from './turn.ts'
import type { WaitingCalls } from './waiting-calls.ts'

/** Bytes of an edge between two services beside its durations, and of a service, about. */
const EDGE_BYTES = 200
/** A service that there was no memory for: its calls are left out. */
const NO_SERVICE = 2 ** 26 - 1
const ERROR = 1 << 12
const CONSUMER = 1 << 13
const LINK = 1 << 14
export const PRODUCER_KIND = 4
export const CONSUMER_KIND = 5
const SHARES = [0.5, 0.95, 0.99]

/** What counts of a child's span, in one number: the bin of its duration, and flags. */
export function callOf({ durationNs, status, operation, operations }: BlockRows, row: number, isLink: boolean): number {
  const isConsumer = operations[operation[row]!]!.kind === CONSUMER_KIND
  return (
    binOf(Math.max(0, durationNs[row]!)) |
    (status[row] === 2 ? ERROR : 0) |
    (isConsumer ? CONSUMER : 0) |
    (isLink ? LINK : 0)
  )
}

/** Calls that were counted elsewhere. */
export interface EdgesPart {
  /** Of services, by the numbers that they have in the others. */
  readonly names: readonly string[]
  /** Of each edge: parent, child, whether it is messaging, calls, errors, and durations. */
  readonly edges: WrittenPart
  /** Calls that wait for their parent, see {@link WaitingCalls.written}. */
  readonly waiting: Uint32Array
}

interface Edge {
  readonly parent: number
  readonly child: number
  readonly isMessaging: boolean
  calls: number
  errors: number
  readonly durations: Histogram
}

/** Calls by parent, child and kind, services being numbered as they come. */
export class DependencyEdges {
  readonly #turn: Turn
  readonly #names: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #edges = new Map<number, Edge>()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** The service of each operation of a block. */
  numbersOf({ operations }: BlockRows): Uint32Array {
    return Uint32Array.from(operations, ({ service }) => this.#numberOf(service))
  }

  #numberOf(service: string): number {
    let number = this.#numbers.get(service)
    if (number === undefined) {
      if (!this.#turn.reserve(EDGE_BYTES + 2 * service.length)) return NO_SERVICE
      this.#numbers.set(service, (number = this.#names.length))
      this.#names.push(service)
    }
    return number
  }

  /** A call of `child`, see {@link callOf}, by `parent`, whose span has this kind. False when there is no memory for another edge. */
  count(parent: number, parentKind: number, child: number, call: number): boolean {
    if (parent === child || parent === NO_SERVICE || child === NO_SERVICE) return true
    const isMessaging = parentKind === PRODUCER_KIND && (call & CONSUMER) !== 0
    if ((call & LINK) !== 0 && !isMessaging) return true
    const edge = this.#edgeOf(parent, child, isMessaging)
    if (!edge) return false
    edge.calls++
    if (call & ERROR) edge.errors++
    edge.durations.add(call & (ERROR - 1))
    return true
  }

  /** Undefined when there is no memory for another. */
  #edgeOf(parent: number, child: number, isMessaging: boolean): Edge | undefined {
    const key = 2 * (parent * 2 ** 26 + child) + (isMessaging ? 1 : 0)
    let edge = this.#edges.get(key)
    if (!edge && this.#turn.reserve(EDGE_BYTES)) {
      edge = { parent, child, isMessaging, calls: 0, errors: 0, durations: new Histogram(this.#turn) }
      this.#edges.set(key, edge)
    }
    return edge
  }

  /** All that was counted, with the calls that wait, to be added elsewhere. */
  part(waiting: WaitingCalls): EdgesPart {
    const out = new PartWriter()
    for (const { parent, child, isMessaging, calls, errors, durations } of this.#edges.values()) {
      out.numbers(parent, child, isMessaging ? 1 : 0, calls, errors)
      out.bins(durations)
    }
    return { names: [...this.#names], edges: out.take(), waiting: waiting.written() }
  }

  addPart({ names, edges, waiting }: EdgesPart, to: WaitingCalls): void {
    const numbers = names.map((name) => this.#numberOf(name))
    const input = new PartReader(edges)
    while (!input.isDone) {
      const [parent, child, isMessaging] = [numbers[input.number()]!, numbers[input.number()]!, input.number() === 1]
      const [calls, errors] = [input.number(), input.number()]
      const isKnown = parent !== NO_SERVICE && child !== NO_SERVICE
      const edge = isKnown ? this.#edgeOf(parent, child, isMessaging) : undefined
      input.bins(edge?.durations)
      if (!edge) continue
      edge.calls += calls
      edge.errors += errors
    }
    to.addWritten(waiting, numbers)
  }

  sorted(seconds: number): DependencyEdge[] {
    return [...this.#edges.values()].map((edge) => this.#toEdge(edge, seconds)).sort(compare)
  }

  #toEdge({ parent, child, isMessaging, calls, errors, durations }: Edge, seconds: number): DependencyEdge {
    const [p50Ns, p95Ns, p99Ns] = durations.percentiles(SHARES, calls)
    return {
      parent: this.#names[parent]!,
      child: this.#names[child]!,
      kind: isMessaging ? 'messaging' : 'call',
      calls,
      errors,
      perSecond: calls / seconds,
      p50Ns: p50Ns!,
      p95Ns: p95Ns!,
      p99Ns: p99Ns!,
    }
  }
}

function compare(a: DependencyEdge, b: DependencyEdge): number {
  if (a.parent !== b.parent) return a.parent < b.parent ? -1 : 1
  if (a.child !== b.child) return a.child < b.child ? -1 : 1
  return a.kind < b.kind ? -1 : 1
}
