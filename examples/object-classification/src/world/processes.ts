/** The processes of a world: started, watched, replaced while it runs, and stopped in order. */
import { lastLines, startChild, waitUntilHealthy } from './child.ts'
import type { Child, Program } from './child.ts'

/** Time for a program to be ready, ms: models are loaded then. */
const READY_TIMEOUT_MS = 60_000
const SLOW_READY_TIMEOUT_MS = 240_000

/** Who is watched, and who hears of it. */
export interface ProcessesOptions {
  /** Aborted: nothing more is started, and an end is no surprise. */
  readonly signal: AbortSignal
  /** A program that was to stay has ended on its own. */
  readonly onUnexpectedEnd: (error: Error) => void
}

/** All processes of one world. */
export class Processes {
  readonly #options: ProcessesOptions
  /** In the order in which they were started first; a program that is started anew keeps its place. */
  readonly #children = new Map<string, Child>()
  /** Those that were ended on purpose. */
  readonly #meant = new WeakSet<Child>()

  constructor(options: ProcessesOptions) {
    this.#options = options
  }

  /** Starts programs side by side and waits until all are ready. @throws When one of them is not. */
  async start(programs: readonly Program[]): Promise<void> {
    const started: Child[] = []
    for (const program of programs) started.push(await this.run(program))
    await Promise.all(
      started.map((child) =>
        waitUntilHealthy(child, child.program.isSlow ? SLOW_READY_TIMEOUT_MS : READY_TIMEOUT_MS, this.#options.signal),
      ),
    )
    for (const child of started) void this.#watch(child)
  }

  /** Starts one that may end when it likes. */
  async run(program: Program): Promise<Child> {
    this.#options.signal.throwIfAborted()
    const child = await startChild(program)
    this.#children.set(program.name, child)
    return child
  }

  /** Runs one until it ends. @throws The signal's reason, once that is aborted, be it while the program is being started. */
  async runToEnd(program: Program): Promise<void> {
    const { signal } = this.#options
    const child = await this.run(program)
    // It runs by now, and is among those to be stopped.
    signal.throwIfAborted()
    const { promise: stopped, reject } = Promise.withResolvers<never>()
    const stop = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', stop)
    try {
      await Promise.race([child.ended, stopped])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  /** The process of that name that runs. */
  find(name: string): Child | undefined {
    const child = this.#children.get(name)
    return child?.running() ? child : undefined
  }

  /** Ends a process on purpose. */
  async end(name: string): Promise<void> {
    const child = this.find(name)
    if (!child) return
    this.#meant.add(child)
    await child.stop()
  }

  /** Those that run, the last started first. */
  get running(): Child[] {
    return [...this.#children.values()].filter((child) => child.running()).reverse()
  }

  async #watch(child: Child): Promise<void> {
    const { code, signal } = await child.ended
    if (this.#options.signal.aborted || this.#meant.has(child)) return
    const how = signal === null ? `exit code ${code}` : signal
    const message = `${child.program.name} has ended unexpectedly (${how}). Its last lines:`
    this.#options.onUnexpectedEnd(new Error(`${message}\n${await lastLines(child.program)}`))
  }
}
