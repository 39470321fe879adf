/**
 * Nodes that a reload has put out of the graph, until nothing is left in them. They drain behind the scenes, into what now has the
 * place of what they fed, for as long as it takes: what they hold was taken, and what a queue holds that is dead may well be taken by its
 * successor. Only exporters without a successor are given a time.
 */
import { CollectorError, aborted, sleep, type Consumer, type Logger } from '../component/index.ts'
import type { Node } from './node.ts'
import type { Slots } from './slot.ts'
import { finishNode, stopNode, stopNodeBy } from './stop.ts'

/** What an exporter that was taken out of the config has to send what it holds, and receivers to answer. Milliseconds. */
const RETIRE_MS = 10_000

export class Retirement {
  readonly #logger: Logger
  readonly #slots: Slots
  readonly #under = new Set<Promise<void>>()
  /** Aborts shortly before the graph ends: what is left is given up. */
  readonly #over = new AbortController()

  constructor(logger: Logger, slots: Slots) {
    this.#logger = logger
    this.#slots = slots
  }

  /** `nodes`: in their start order. `drained` resolves when nobody hands them anything any more. */
  begin(nodes: readonly Node[], drained: Promise<unknown>): void {
    if (nodes.length === 0) return
    for (const node of nodes) this.#handOver(node)
    const retiring = this.#retire(nodes.toReversed(), drained).finally(() => this.#under.delete(retiring))
    this.#under.add(retiring)
  }

  /** Resolves when all are done, at `endAt` (of `performance.now()`) with what is left given up. */
  async end(endAt: number): Promise<void> {
    const timer = setTimeout(() => this.#over.abort(), Math.max(0, endAt - performance.now()))
    await Promise.all(this.#under)
    clearTimeout(timer)
  }

  /** What it has not sent goes to the exporter that has its name now. */
  #handOver({ kind, id, component, consumer }: Node): void {
    const slot = this.#slots.sink(id)
    if (kind === 'exporter' && slot.target !== consumer) component.handOver?.(slot)
  }

  async #retire(nodes: readonly Node[], drained: Promise<unknown>): Promise<void> {
    const of = (...kinds: readonly Node['kind'][]): readonly Node[] => nodes.filter(({ kind }) => kinds.includes(kind))
    await this.#inTime(of('receiver'))
    await Promise.race([drained, aborted(this.#over.signal)])
    const middle = this.#drain(of('processor', 'connector', 'fan_out'))
    await Promise.race([middle, sleep(RETIRE_MS, this.#over.signal)])
    await Promise.all(of('exporter').map((node) => this.#endExporter(node)))
    await middle
    await this.#inTime(of('extension'))
    for (const node of nodes) finishNode(node, this.#logger)
  }

  async #inTime(nodes: readonly Node[]): Promise<void> {
    await Promise.all(nodes.map((node) => this.#stopInTime(node)))
  }

  async #stopInTime(node: Node): Promise<void> {
    const limitMs = this.#over.signal.aborted ? 0 : RETIRE_MS
    await stopNode(node, performance.now(), limitMs, this.#logger)
  }

  /** Each drains into the next. */
  async #drain(nodes: readonly Node[]): Promise<void> {
    for (const node of nodes) await stopNodeBy(node, this.#over.signal, this.#logger)
  }

  async #endExporter(node: Node): Promise<void> {
    const slot = this.#slots.sink(node.id)
    if (slot.target !== node.consumer) return stopNodeBy(node, this.#over.signal, this.#logger)
    await this.#stopInTime(node)
    if (slot.target === node.consumer) void slot.fill(gone(node.id))
  }
}

/** In place of an exporter that is no longer in the config. */
function gone(id: string): Consumer {
  return {
    async consume() {
      throw new CollectorError('unavailable', `${id} was taken out of the configuration`, { retryable: false })
    },
  }
}
