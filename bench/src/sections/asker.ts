/** What is asked of a store, and how long it took. */
export interface Asker {
  /** All spans of a trace: how many there are. */
  trace(id: string): Promise<{ ms: number; spans: number }>
  /** The 20 traces in which a service was last seen: their ids. */
  latest(service: string): Promise<{ ms: number; ids: readonly string[] }>
  /** The traces with this value of `order.id`: their ids. */
  order(value: string): Promise<{ ms: number; ids: readonly string[] }>
}

/** How many newest traces are asked for. */
export const LATEST = 20
