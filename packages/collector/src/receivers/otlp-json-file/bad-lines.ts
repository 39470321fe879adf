import type { Context, Counter } from '../../component/index.ts'

/** Lines that a message names at most. */
const MAX_NAMED = 20

/** The account of lines that could not be taken: counted, and told once for each time that a file was read, with their numbers. */
export class BadLines {
  readonly #context: Context
  readonly #counter: Counter
  #lines: number[] = []
  #count = 0
  #first = ''

  constructor(context: Context) {
    this.#context = context
    this.#counter = context.counters.counter('spoor_receiver_bad_lines', { receiver: context.id })
  }

  add(line: number, problem: string): void {
    this.#counter.value++
    if (this.#count++ === 0) this.#first = problem
    if (this.#lines.length < MAX_NAMED) this.#lines.push(line)
  }

  /** Tells those of this file that were not told yet. */
  tell(file: string): void {
    if (this.#count === 0) return
    const fields = { component: this.#context.id, file, lines: this.#lines, bad_lines: this.#count }
    const where = `${file}:${this.#lines[0]}`
    this.#context.logger.warn(fields, `Skipping lines that could not be taken; the first, ${where}: ${this.#first}`)
    this.#lines = []
    this.#count = 0
  }
}
