import { endOf } from './children.ts'
import type { Trace } from './model.ts'

const SERVER = 2
const CLIENT = 3
const ERROR = 2

/** Attributes of a resource that tell which clock it has, the first that there is: the host, else the instance. */
export const HOST_KEYS = ['host.name', 'k8s.node.name', 'k8s.pod.name', 'service.instance.id']

/** What clocks may be apart without a word: SDKs round to a millisecond, and processes of one machine drift a little. Nanoseconds. */
export const CLOCK_GRAIN_NS = 2_000_000

/**
 * By how much the clock of a callee may be ahead of its caller's, from calls that somebody waited for: the server's span lies within the
 * client's. So each call gives bounds, and all of them together must hold; work that goes on after the answer gives bounds that cannot hold together.
 *
 *     client   |----------------|            ahead <= server start - client start
 *     server         |-------|               ahead >= server end - client end
 */
export class SkewBounds {
  calls = 0
  /** Calls that cannot have been as their times say. */
  proofs = 0
  /** Nanoseconds. */
  #least = -Infinity
  #most = Infinity

  add(trace: Trace, client: number, server: number): void {
    const [start, end] = [trace.startNs[client]!, endOf(trace, client)]
    const [serverStart, serverEnd] = [trace.startNs[server]!, endOf(trace, server)]
    this.calls++
    this.#least = Math.max(this.#least, serverEnd - end)
    this.#most = Math.min(this.#most, serverStart - start)
    if (serverStart < start - CLOCK_GRAIN_NS || serverStart > end + CLOCK_GRAIN_NS) this.proofs++
  }

  /** Nanoseconds by which the callee's clock is ahead, negative where it is behind; undefined where these calls do not prove that it is. */
  get aheadNs(): number | undefined {
    const [least, most] = [this.#least, this.#most]
    if (this.proofs === 0 || least > most + CLOCK_GRAIN_NS) return undefined
    if (least <= CLOCK_GRAIN_NS && most >= -CLOCK_GRAIN_NS) return undefined
    return (least + most) / 2
  }
}

/** Whether a span is the server's side of its parent, a client's span of another service that did not fail: one that failed may have given up before. */
export function isAnsweredCall(trace: Trace, row: number): boolean {
  const above = trace.parent[row]!
  return (
    above !== -1 &&
    trace.kind[row] === SERVER &&
    trace.kind[above] === CLIENT &&
    trace.service[row] !== trace.service[above] &&
    trace.status[above] !== ERROR
  )
}
