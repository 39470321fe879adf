import { CollectorError } from '../component/index.ts'

/** Lets a few at a time do some work, first come first served. */
export interface Turns {
  /** Resolves with the function that ends the turn, when it is the caller's. Rejects with `overloaded` when too many wait. */
  enter(): Promise<() => void>
}

/** `atATime`: turns at once, at least 1. `mostWaiting`: how many may wait besides. `what`: who waits, for the error. */
export function createTurns(atATime: number, mostWaiting: number, what = 'large requests wait to be unpacked'): Turns {
  let active = 0
  const waiting: (() => void)[] = []
  const leave = (): void => {
    const next = waiting.shift()
    if (next) next()
    else active--
  }
  /** Ends a turn once, however often it is called. */
  const once = (): (() => void) => {
    let left = false
    return () => {
      if (!left) leave()
      left = true
    }
  }
  return {
    async enter() {
      if (active >= atATime) {
        if (waiting.length >= mostWaiting) {
          const message = `${waiting.length} ${what} already; try again`
          throw new CollectorError('overloaded', message, { retryAfterMs: 1000 })
        }
        await new Promise<void>((resolve) => waiting.push(resolve))
      } else active++
      return once()
    },
  }
}
