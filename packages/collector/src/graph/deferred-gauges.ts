import type { Counters } from '../component/index.ts'

/**
 * The gauges of one component. They are shown only once it is a part of the running graph, so that one which is made and then
 * thrown away takes no gauge from its predecessor of the same name; and no longer than that.
 */
export class DeferredGauges {
  /** What the component gets. */
  readonly counters: Counters
  readonly #waiting: (() => () => void)[] = []
  readonly #removals: (() => void)[] = []
  #isShown = false

  constructor(counters: Counters) {
    this.counters = {
      counter: (name, labels) => counters.counter(name, labels),
      gauge: (name, labels, read) => {
        const register = () => counters.gauge(name, labels, read)
        if (this.#isShown) this.#removals.push(register())
        else this.#waiting.push(register)
        return () => {}
      },
      histogram: (name, labels, bounds) => counters.histogram(name, labels, bounds),
      histograms: () => counters.histograms(),
      snapshot: () => counters.snapshot(),
    }
  }

  show(): void {
    this.#isShown = true
    for (const register of this.#waiting.splice(0)) this.#removals.push(register())
  }

  remove(): void {
    this.#waiting.length = 0
    for (const remove of this.#removals.splice(0)) remove()
  }
}
