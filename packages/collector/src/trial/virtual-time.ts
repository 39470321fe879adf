/**
 * Time that passes when it is told to: timers and clocks of the whole process go by it while it is there, so that a decision after thirty
 * seconds takes none. For programs that do nothing else; what Node does by itself (files, sockets, `setImmediate`) goes on in real time.
 */
import { setImmediate } from 'node:timers/promises'

/** Turns of the event loop after which whatever a timer has begun is over, or waits for another one. */
const TURNS = 3
const GLOBALS = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] as const

class Timer {
  dueMs: number
  readonly everyMs: number | undefined
  readonly run: () => void

  constructor(dueMs: number, everyMs: number | undefined, run: () => void) {
    this.dueMs = dueMs
    this.everyMs = everyMs
    this.run = run
  }

  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  hasRef(): boolean {
    return false
  }
}

export class VirtualTime {
  /** Called before timers run. */
  onTimers: () => void = () => {}
  readonly #timers = new Set<Timer>()
  readonly #startMs: number
  #nowMs = 0
  readonly #before: Pick<typeof globalThis, (typeof GLOBALS)[number]>
  readonly #dateNow = Date.now
  readonly #performanceNow: () => number = Reflect.get(performance, 'now')

  /** From now on, until {@link end}. `startMs`: what the clock shows at first, milliseconds since 1970. */
  constructor(startMs: number) {
    const { setTimeout, clearTimeout, setInterval, clearInterval } = globalThis
    this.#before = { setTimeout, clearTimeout, setInterval, clearInterval }
    this.#startMs = startMs
    const clear = (timer: unknown): void => {
      if (timer instanceof Timer) this.#timers.delete(timer)
      else this.#before.clearTimeout(timer as NodeJS.Timeout)
    }
    const add =
      (repeats: boolean) =>
      (run: (...given: unknown[]) => void, ms = 0, ...given: unknown[]): Timer => {
        const waitMs = Math.max(1, ms)
        const timer = new Timer(this.#nowMs + waitMs, repeats ? waitMs : undefined, () => run(...given))
        this.#timers.add(timer)
        return timer
      }
    Object.assign(globalThis, {
      setTimeout: add(false),
      setInterval: add(true),
      clearTimeout: clear,
      clearInterval: clear,
    })
    Date.now = () => this.#startMs + Math.floor(this.#nowMs)
    performance.now = () => this.#nowMs
  }

  /** Milliseconds since it began. */
  get nowMs(): number {
    return this.#nowMs
  }

  /** Lets so much time pass: what is due in it runs at its time, in order. */
  async pass(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms
    for (;;) {
      const dueMs = this.#nextMs()
      if (dueMs > endMs) break
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      this.onTimers()
      for (const timer of this.#timers) if (timer.dueMs <= this.#nowMs) this.#fire(timer)
      await settled()
    }
    this.#nowMs = endMs
  }

  /** What `work` gives, with as much time as it waits for. `realMs`: how long it may take at first of the time of the world, for files and names. */
  async until<T>(work: Promise<T>, realMs = 0): Promise<T> {
    const state = { isOver: false }
    const over = (): void => void (state.isOver = true)
    const ended = work.then(over, over)
    await settled()
    if (realMs > 0 && !state.isOver) {
      let timer: NodeJS.Timeout | undefined
      await Promise.race([ended, new Promise((resolve) => (timer = this.#before.setTimeout(resolve, realMs)))])
      this.#before.clearTimeout(timer)
    }
    while (!state.isOver && this.#timers.size > 0) await this.pass(Math.max(0, this.#nextMs() - this.#nowMs))
    return work
  }

  /** The process has its own time again. */
  end(): void {
    Object.assign(globalThis, this.#before)
    Date.now = this.#dateNow
    performance.now = this.#performanceNow
    this.#timers.clear()
  }

  #nextMs(): number {
    let next = Infinity
    for (const { dueMs } of this.#timers) if (dueMs < next) next = dueMs
    return next
  }

  #fire(timer: Timer): void {
    if (timer.everyMs === undefined) this.#timers.delete(timer)
    else timer.dueMs += timer.everyMs
    timer.run()
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await setImmediate()
}
