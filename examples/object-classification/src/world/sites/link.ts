/** What a link between two sites does to what is sent over it. */
import { EventEmitter } from 'node:events'

/** How a link is; the same both ways. */
export interface LinkConditions {
  /** One way, ms. */
  readonly latencyMs: number
  /** The most that may come to it, ms. */
  readonly jitterMs: number
  /** Bytes a millisecond each way, shared by all connections. Infinity: no bound. */
  readonly bytesPerMs: number
  /**
   * The share of pieces (what is sent at once, at most 64 KiB) that are held up for `stallMs`, as by a packet that is lost
   * and sent again. 0..1.
   */
  readonly stall: number
  readonly stallMs: number
  /** The share of pieces at which the connection is reset. 0..1. */
  readonly reset: number
}

/** A link that does nothing. */
export const IDEAL: LinkConditions = {
  latencyMs: 0,
  jitterMs: 0,
  bytesPerMs: Infinity,
  stall: 0,
  stallMs: 200,
  reset: 0,
}

/** How a hop over a link is shown in traces: as two spans, as one with events, or not. */
export type HopDisplay = 'none' | 'event' | 'span'

/** What becomes of a piece. */
export interface Passage {
  /** When it is at the other end, in the clock of `now`. */
  readonly at: number
  readonly stalled: boolean
  readonly reset: boolean
}

/** One way over a link: what all connections share of it. */
export class Pipe {
  /** Until when the line is taken by what was sent before. */
  #busyUntil = 0

  /** Sends a piece that is there at `now`, ms. `random`: numbers of 0 up to 1. */
  send(now: number, bytes: number, conditions: LinkConditions, random: () => number): Passage {
    const { latencyMs, jitterMs, bytesPerMs, stall, stallMs, reset } = conditions
    this.#busyUntil = Math.max(now, this.#busyUntil) + bytes / bytesPerMs
    const stalled = stall > 0 && random() < stall
    return {
      at: this.#busyUntil + latencyMs + (jitterMs > 0 ? jitterMs * random() : 0) + (stalled ? stallMs : 0),
      stalled,
      reset: reset > 0 && random() < reset,
    }
  }
}

/** A link between two sites. Emits `up` when it is whole again. */
export class Link extends EventEmitter<{ up: [] }> {
  readonly sites: readonly [string, string]
  readonly display: HopDisplay
  /** As the world's file says. */
  readonly usual: LinkConditions
  /** As it is now. */
  conditions: LinkConditions
  readonly pipes: readonly [Pipe, Pipe] = [new Pipe(), new Pipe()]
  #up = true

  constructor(sites: readonly [string, string], conditions: LinkConditions, display: HopDisplay = 'none') {
    super()
    // Each direction of each connection may wait for it.
    this.setMaxListeners(0)
    this.sites = sites
    this.usual = conditions
    this.conditions = conditions
    this.display = display
  }

  /** Both sites' names, as the file has them: `edge-cloud`. */
  get name(): string {
    return this.sites.join('-')
  }

  get isUp(): boolean {
    return this.#up
  }

  /** Cuts the link, as if its cable were drawn: nobody is told, nothing arrives; or joins it: what was under way arrives. */
  set isUp(up: boolean) {
    if (up === this.#up) return
    this.#up = up
    if (up) this.emit('up')
  }
}
