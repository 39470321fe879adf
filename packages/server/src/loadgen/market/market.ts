import type { Random } from '../random.ts'
import type { Operation } from './behaviour.ts'
import type { SpanDraft } from './draft.ts'
import { createInstances, type Instance } from './instance.ts'
import { AFTERMATH } from './aftermath.ts'
import { ENTRIES, JOBS } from './entries.ts'
import { ORDERS } from './orders.ts'
import { TraceRun, type Sent } from './run.ts'
import { STOREFRONT } from './storefront.ts'
import { createSubject } from './subject.ts'

/** Messages that a batch consumer takes at a time. */
const BATCH = 24

/** Every how many entries a job begins. */
const ENTRIES_PER_JOB = 500

const ALL_SHARES = ENTRIES.reduce((sum, [share]) => sum + share, 0)

/** Share of traces that have lost a span on the way. */
const LOSSY = 0.012

/** The running system: its instances, who answers what, and the traces that come of it. */
export class Market {
  readonly instances: readonly Instance[]
  readonly #operations = new Map<string, Operation>()
  readonly #consumers = new Map<string, Operation[]>()
  readonly #instancesOf: ReadonlyMap<string, readonly Instance[]>
  readonly #random: Random
  readonly #lastsNs: number
  readonly #waiting = new Map<string, Sent[]>()
  #traces = 0
  #entries = 0

  /** `lastsNs`: how long it is looked at, nanoseconds. */
  constructor(random: Random, lastsNs: number) {
    this.#random = random
    this.#lastsNs = lastsNs
    this.instances = createInstances(random)
    this.#instancesOf = Map.groupBy(this.instances, (instance) => instance.service.name)
    for (const operation of [...STOREFRONT, ...ORDERS, ...AFTERMATH]) {
      this.#operations.set(`${operation.service} ${operation.name}`, operation)
      if (operation.entry.protocol !== 'message') continue
      const { topic } = operation.entry
      this.#consumers.set(topic, [...(this.#consumers.get(topic) ?? []), operation])
    }
  }

  operation(service: string, name: string): Operation {
    const operation = this.#operations.get(`${service} ${name}`)
    if (!operation) throw new RangeError(`${service} has no operation ${name}`)
    return operation
  }

  consumers(topic: string): readonly Operation[] {
    return this.#consumers.get(topic) ?? []
  }

  pickInstance(random: Random, service: string): Instance {
    return random.pick(this.#instancesOf.get(service) ?? [])
  }

  /** For a sixth of the time, payments are declined far more often. */
  incident(at: number): boolean {
    const share = (at % this.#lastsNs) / this.#lastsNs
    return share > 22 / 60 && share < 32 / 60
  }

  /** The traces of one entry at a time: its own, and those of batch consumers that have enough messages now. */
  traces(at: number): SpanDraft[][] {
    const first = this.#run(this.#nextEntry(), at)
    const traces = [this.#damage(first.spans)]
    for (const message of first.sent) {
      const waiting = this.#waiting.get(message.topic) ?? []
      waiting.push(message)
      if (waiting.length < BATCH) {
        this.#waiting.set(message.topic, waiting)
        continue
      }
      this.#waiting.delete(message.topic)
      for (const consumer of this.consumers(message.topic)) {
        if (consumer.entry.protocol !== 'message' || !consumer.entry.batch) continue
        traces.push(this.#run(consumer, Math.max(...waiting.map((sent) => sent.at)) + 250_000_000, waiting).spans)
      }
    }
    return traces
  }

  #run(operation: Operation, at: number, links: readonly Sent[] = []): TraceRun {
    const run = new TraceRun(this, this.#random, createSubject(this.#random, this.#traces++))
    run.perform(operation, at, undefined, undefined, links)
    return run
  }

  #nextEntry(): Operation {
    const entries = this.#entries++
    if (entries % ENTRIES_PER_JOB === ENTRIES_PER_JOB / 2) {
      const [service, name] = JOBS[Math.floor(entries / ENTRIES_PER_JOB) % JOBS.length] ?? ['', '']
      return this.operation(service, name)
    }
    let left = (this.#random.uint32() / 0x1_0000_0000) * ALL_SHARES
    const [, service, name] = ENTRIES.find(([share]) => (left -= share) < 0) ?? [0, '', '']
    return this.operation(service, name)
  }

  /** Of some traces one span was lost on its way, the first one as often as others. */
  #damage(spans: SpanDraft[]): SpanDraft[] {
    if (spans.length < 2 || !this.#random.chance(LOSSY)) return spans
    const lost = this.#random.chance(0.5) ? 0 : this.#random.below(spans.length)
    return spans.filter((_, i) => i !== lost)
  }
}
