/** When traces are decided: in ticks of a second, as the Collector has it. Rows of a table, each in the bucket of one tick. */
import type { TraceTable } from '../../processor-helper/index.ts'

export class Wheel {
  readonly #table: TraceTable
  readonly #isWaiting: (row: number) => boolean
  readonly #waitTicks: number
  /** By tick; a row that was moved or decided is still there, and passed over. */
  readonly #buckets = new Map<number, number[]>()
  /** The next tick. */
  #now = 0

  /** `waitTicks`: ticks between that in which a trace comes and that in which it is decided. */
  constructor(table: TraceTable, waitTicks: number, isWaiting: (row: number) => boolean) {
    this.#table = table
    this.#waitTicks = waitTicks
    this.#isWaiting = isWaiting
  }

  add(row: number): void {
    this.#put(row, this.#now + this.#waitTicks)
  }

  /** Has it decided so many ticks from now, where that is earlier. */
  hasten(row: number, ticks: number): void {
    if (this.#now + ticks < this.#table.due[row]!) this.#put(row, this.#now + ticks)
  }

  /** Has it decided so many ticks from now, or when its time is, which is that of one that came so many ticks ago. */
  delay(row: number, ticks: number, ago: number): void {
    this.#put(row, this.#now + Math.max(0, Math.min(ticks, this.#waitTicks - ago)))
  }

  /** The rows of this tick, in the order in which they came to it; then comes the next tick. */
  tick(): number[] {
    const rows = this.#take(this.#now)
    this.#now++
    return rows
  }

  /** Whether its tick has come: one that was told may have got another trace since. */
  isDue(row: number): boolean {
    return this.#table.due[row]! < this.#now
  }

  /** All rows, tick by tick. */
  all(): number[] {
    return this.#ticks().flatMap((tick) => this.#take(tick))
  }

  /** Those of the earliest tick that has any. */
  earliest(): number[] {
    for (const tick of this.#ticks()) {
      const rows = this.#take(tick)
      if (rows.length > 0) return rows
    }
    return []
  }

  /** Puts back what was taken and not decided. */
  restore(rows: readonly number[]): void {
    for (const row of rows) this.#put(row, this.#table.due[row]!)
  }

  #ticks(): number[] {
    return [...this.#buckets.keys()].sort((a, b) => a - b)
  }

  #take(tick: number): number[] {
    const bucket = this.#buckets.get(tick) ?? []
    this.#buckets.delete(tick)
    return bucket.filter((row) => this.#table.due[row] === tick && this.#isWaiting(row))
  }

  #put(row: number, tick: number): void {
    this.#table.due[row] = tick
    const bucket = this.#buckets.get(tick)
    if (bucket) bucket.push(row)
    else this.#buckets.set(tick, [row])
  }
}
