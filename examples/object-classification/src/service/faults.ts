/**
 * The faults that are switched on in this process. A world that runs switches them; a service that was started by hand has
 * none, or those of `WORLD_FAULTS` (as `{"slow_model":{"ms":800}}`). Where a service asks for one, that is the place
 * where it would go wrong by itself.
 */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Faults inside a service, and what each of them can be told. */
export interface ServiceFaults {
  /** The model takes so much longer, ms. */
  readonly slow_model: { readonly ms: number }
  /** So many per cent of requests are answered with 500. */
  readonly errors: { readonly percent: number }
  /** A model that has not answered after so long is asked again, so often, at once, and goes on with what it was asked before. */
  readonly retry_storm: { readonly timeout_ms: number; readonly retries: number }
  /** The caller's context is not read: what follows is a trace of its own. */
  readonly lost_context: object
  /** The clock is wrong by so much, ms; below 0 it is behind. */
  readonly skewed_clock: { readonly ms: number }
  /** Other images, so many, each for so long, are always ahead in the line. */
  readonly saturated_queue: { readonly images: number; readonly ms: number }
  /** So many per cent of photographs are no images. */
  readonly bad_images: { readonly percent: number }
  /** The model is let go after so long without a request, ms, and loaded when the next one comes. */
  readonly cold_start: { readonly idle_ms: number }
  /** So many per cent of results are sent with a label that the database cannot store. */
  readonly poison_message: { readonly percent: number }
  /** Each result takes the consumer longer, ms. */
  readonly slow_consumer: { readonly ms: number }
  /** So much memory is taken, and much of it replaced all the time, MB. */
  readonly memory_pressure: { readonly mb: number }
}

/** A message from the world: all that is on. */
export interface FaultMessage {
  readonly faults: Partial<ServiceFaults>
}

/** Names a process that listens to a world. */
export const FAULTS_VARIABLE = 'WORLD_FAULTS'

const written = process.env[FAULTS_VARIABLE]
let on: Partial<ServiceFaults> = {}
const listeners = new Set<() => void>()
const trueNow = Date.now.bind(Date)

/** @returns What the fault was told; undefined while it is off. */
export function fault<N extends keyof ServiceFaults>(name: N): ServiceFaults[N] | undefined {
  return on[name]
}

/** Calls `listener` now, and whenever a fault is switched. @returns How to end that. */
export function onFaults(listener: () => void): () => void {
  listeners.add(listener)
  listener()
  return () => listeners.delete(listener)
}

/** Switches: what is on from now on, and nothing else. */
export function setFaults(faults: Partial<ServiceFaults>): void {
  on = faults
  for (const listener of listeners) listener()
}

/** Whether it happens this time. */
export function happens(percent: number): boolean {
  return Math.random() * 100 < percent
}

/** Time between two looks at memory that is to be taken, ms, and the size of a piece. */
const CHURN_MS = 50
const PIECE_MB = 4

let held: object[] = []
let churning: NodeJS.Timeout | undefined

/** Memory is objects, so that the collector of garbage has to walk them; a part of them is replaced all the time. */
function takeMemory(): void {
  const pieces = Math.round((fault('memory_pressure')?.mb ?? 0) / PIECE_MB)
  if (pieces === 0) {
    clearInterval(churning)
    churning = undefined
    if (held.length === 0) return
    held = []
    // What is mended is as it was: who allocates little would keep it for long.
    collectGarbage()
    return
  }
  held.length = Math.min(held.length, pieces)
  churning ??= setInterval(() => {
    const { mb } = fault('memory_pressure') ?? { mb: 0 }
    held.push(piece())
    if (held.length > mb / PIECE_MB) held.splice(0, held.length - Math.floor(mb / PIECE_MB))
  }, CHURN_MS).unref()
}

/**
 * Node has it behind a flag, which may be set later for a new context. The flavour is the one that V8 has for when memory
 * is short: what is free goes back to the system, which the usual one leaves to a later time.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as (options: object) => void
  collect({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

/** Some 4 MB of small objects. */
function piece(): object {
  return Array.from({ length: 60_000 }, (_, index) => ({ index, text: `${index}`, next: { index } }))
}

if (written !== undefined) {
  setFaults(JSON.parse(written) as Partial<ServiceFaults>)
  // All that a process says of the time: spans, logs, timeouts by the clock.
  Date.now = () => trueNow() + (on.skewed_clock?.ms ?? 0)
  process.on('message', (message) => {
    if (typeof message === 'object' && message !== null && 'faults' in message)
      setFaults((message as FaultMessage).faults)
  })
  // The listener alone would keep the process alive.
  process.channel?.unref()
  onFaults(takeMemory)
}
