import { SPAN_BYTES, SpanTable, shaping, type TraceShape } from '@spoor/trace'
import type { ServiceShare, TraceSummary } from '../../contract.ts'
import type { BlockRows } from '../block/rows.ts'
import type { ResolvedTrace } from './set/evaluate.ts'
import { traceHex, type TraceParts } from './trace-parts.ts'
import type { Turn } from './turn.ts'

const ERROR = 2

/** A trace's rows in its blocks: `members` of `rows`, or all of these. */
export interface HeaderParts {
  readonly id: Uint32Array
  readonly parts: readonly { readonly rows: BlockRows; readonly members?: Uint32Array }[]
}

/** Makes summaries for one query, one after the other, in memory that it uses again. What a trace is, `@spoor/trace` defines. */
export class Summarizer {
  readonly #turn: Turn
  readonly #table = new SpanTable()

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** The summary of a trace from its columns. Undefined when there is no time or memory for it. */
  async summarize(trace: TraceParts): Promise<TraceSummary | undefined> {
    return (await this.resolve(trace))?.summary
  }

  /** As {@link summarize}, with what the trace's spans are to each other: to be used before the next trace is asked for. */
  async resolve({ id, parts }: HeaderParts): Promise<ResolvedTrace | undefined> {
    const table = this.#table
    table.clear()
    const spans = parts.reduce((sum, { rows, members }) => sum + (members ? members.length : rows.count), 0)
    if (!this.#makeRoom(spans)) return undefined
    const services = new Texts()
    const names = new Texts()
    table.services = services.texts
    table.names = names.texts
    for (const { rows, members } of parts) if (!(await this.#add(rows, members, services, names))) return undefined
    const shape = await this.#shape()
    const summary = shape && (await this.#summaryOf(id, shape))
    if (!summary) return undefined
    const { size: count, positionOf: distinctOf, parent, order, root } = shape
    return { table: this.#table, shape, summary, count, distinctOf, parent, rootRow: order[root]! }
  }

  /** At once: memory that grows bit by bit is garbage in the end. False when there is none. */
  #makeRoom(spans: number): boolean {
    const table = this.#table
    if (spans <= table.capacity) return true
    const capacity = Math.max(spans, 2 * table.capacity)
    if (!this.#turn.reserve(SPAN_BYTES * (capacity - table.capacity))) return false
    table.grow(capacity)
    return true
  }

  /** False when there is no time for more. */
  async #add(rows: BlockRows, members: Uint32Array | undefined, services: Texts, names: Texts): Promise<boolean> {
    const table = this.#table
    const turn = this.#turn
    const numbers = new Map<number, readonly [service: number, name: number]>()
    const count = members ? members.length : rows.count
    for (let i = 0; i < count; i++) {
      const row = members ? members[i]! : i
      if (turn.work(60) && (await turn.breathe())) return false
      const operation = rows.operation[row]!
      const key = rows.operations[operation]!
      let number = numbers.get(operation)
      if (!number) numbers.set(operation, (number = [services.numberOf(key.service), names.numberOf(key.name)]))
      const span = table.count++
      table.spanId[2 * span] = rows.spanId[2 * row]!
      table.spanId[2 * span + 1] = rows.spanId[2 * row + 1]!
      table.parentId[2 * span] = rows.parentId[2 * row]!
      table.parentId[2 * span + 1] = rows.parentId[2 * row + 1]!
      table.startHi[span] = rows.startHi[row]!
      table.startLo[span] = rows.startLo[row]!
      table.durationNs[span] = rows.durationNs[row]!
      table.kind[span] = key.kind
      table.status[span] = rows.status[row]!
      table.service[span] = number[0]
      table.name[span] = number[1]
    }
    return true
  }

  async #shape(): Promise<TraceShape | undefined> {
    const steps = shaping(this.#table)
    for (;;) {
      const { done, value } = steps.next()
      if (done) return value
      if (this.#turn.work(value) && (await this.#turn.breathe())) return undefined
    }
  }

  async #summaryOf(id: Uint32Array, shape: TraceShape): Promise<TraceSummary | undefined> {
    const { services, names, service, name, status } = this.#table
    const { size, order, selfNs, root, start } = shape
    const shares = services.map((each) => ({ name: each, spans: 0, errors: 0, selfTimeNs: 0 }))
    for (let position = 0; position < size; position++) {
      if (this.#turn.work(20) && (await this.#turn.breathe())) return undefined
      const span = order[position]!
      const share = shares[service[span]!]!
      share.spans++
      if (status[span] === ERROR) share.errors++
      share.selfTimeNs += selfNs[position]!
    }
    const request = order[root]!
    return {
      traceId: traceHex(id),
      rootService: services[service[request]!]!,
      rootName: names[name[request]!]!,
      start,
      durationNs: shape.durationNs,
      requestStart: start + BigInt(shape.startNs[root]!),
      requestDurationNs: shape.requestDurationNs,
      tailNs: shape.tailNs,
      spans: size,
      errors: shape.errors,
      orphans: shape.orphans,
      services: shares.sort((a, b) => (a.name < b.name ? -1 : 1)) satisfies ServiceShare[],
    }
  }
}

/** Gives each text a number, in the order in which they come. */
class Texts {
  readonly texts: string[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(text: string): number {
    let number = this.#numbers.get(text)
    if (number === undefined) this.#numbers.set(text, (number = this.texts.push(text) - 1))
    return number
  }
}
