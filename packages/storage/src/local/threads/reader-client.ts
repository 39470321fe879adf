import { StorageError, type CallOptions } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import type { LocalStoreSettings } from '../options.ts'
import type { Host, Link } from '../runtime.ts'
import { fromMessage } from './error.ts'
import type { Call, Found, FromReader, ReaderPart, Results, SaysComplete, ToReader } from './protocol.ts'
import { Supervisor } from './supervisor.ts'

const DEFAULT_TIMEOUT_MS = 10_000
/** What a call may take beyond its deadline before main answers for the reader: the share, and at least so many milliseconds. */
const GRACE_SHARE = 0.08
const MIN_GRACE_MS = 80
/** ... and how long after that the reader is taken for hanging. */
const HANG_MS = 2_000
/** How long a call whose signal aborts may take to answer with what it has. Milliseconds. */
const CANCEL_GRACE_MS = 50
/** Calls that the reader has at once. Few searches, as each takes its turn of the thread; lookups hardly give way. */
const AT_ONCE: Readonly<Record<ReaderPart, number>> = { lookup_reader: 16, search_reader: 4 }
/** Calls that wait for these; beyond it they are refused. */
const MAX_QUEUE = 1_000
/** How long a question that ended readers is refused, and how many of these are known. */
const REFUSED_MS = 60_000
const MAX_REFUSED = 100
const SAY_COMPLETE: Readonly<Record<SaysComplete, true>> = {
  search: true,
  dependencies: true,
  aggregate: true,
  heatMap: true,
  errorGroups: true,
  bottleneck: true,
  flame: true,
  compare: true,
  arrivals: true,
}

interface Asked {
  readonly id: number
  readonly call: Call
  readonly deadlineMs: number
  readonly maxBytes: number | undefined
  /** Hears what it finds. */
  readonly onFound: ((event: never) => void) | undefined
  /** Traces were told: it cannot be asked once more. */
  hasTold: boolean
  /** Undefined when the caller has its answer already, and only the reader still owes its own. */
  settle: { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void } | undefined
  /** Readers that ended while they had it. */
  deaths: number
}

/**
 * Main's side of one reader: asks it, and answers for it when it does not. Every call is answered by its deadline and a little, at once
 * when its signal aborts, and however often the reader has to be replaced: calls that it had are asked once more of its successor, one at a time, so
 * that of several only the one that ends readers is refused in the end.
 */
export class ReaderClient {
  readonly part: ReaderPart
  readonly #host: Host
  readonly #supervisor: Supervisor<FromReader, ToReader>
  readonly #connect: (reader: ReaderPart) => Link | undefined
  readonly #tell: (event: StoreEvent) => void
  readonly #joined = Promise.withResolvers<void>()
  #nextId = 0
  #queue: Asked[] = []
  readonly #asked = new Map<number, Asked>()
  /** Questions that ended readers, and until when they are refused. */
  readonly #refused = new Map<string, number>()
  #refusal: StorageError | undefined
  readonly #timers = new Set<() => void>()

  /** `connect` tells the writer of this reader, and gives the reader's end of their channel; undefined while there is no writer. */
  constructor(
    part: ReaderPart,
    host: Host,
    settings: LocalStoreSettings,
    tell: (event: StoreEvent) => void,
    connect: (reader: ReaderPart) => Link | undefined,
    gaveUp: (error: StorageError) => void,
  ) {
    this.part = part
    this.#host = host
    this.#tell = tell
    this.#connect = connect
    this.#supervisor = new Supervisor(host.clock, tell, {
      part,
      start: () => host.start(part, settings),
      started: () => {
        this.join()
        this.#pump()
      },
      onMessage: (message) => this.#take(message),
      lost: () => this.#lost(),
      gaveUp,
    })
  }

  /** Resolves when it has what the writer knows, the first time. */
  get joined(): Promise<void> {
    return this.#joined.promise
  }

  /** Unless it has been; otherwise the first call does it. */
  start(): void {
    this.#supervisor.start()
  }

  /** Has the writer, which may be a new one, tell it all that there is. */
  join(): void {
    if (!this.#supervisor.isRunning) return
    const link = this.#connect(this.part)
    if (link) this.#supervisor.post({ type: 'join', link }, [link])
  }

  /** Refuses all calls from now on, and those under way. */
  fail(error: StorageError): void {
    this.#refusal = error
    for (const asked of [...this.#queue.splice(0), ...this.#asked.values()]) asked.settle?.reject(error)
    this.#asked.clear()
  }

  /** Ends the reader for good. Resolves when it has ended. */
  stop(): Promise<void> {
    for (const callOff of this.#timers) callOff()
    return this.#supervisor.stop()
  }

  async call<C extends Call>(
    call: C,
    { signal, timeoutMs = DEFAULT_TIMEOUT_MS, maxBytes }: CallOptions = {},
    onFound?: (event: Found<C>) => void,
  ): Promise<Results[C['method']]> {
    if (this.#refusal) throw this.#refusal
    if (!(timeoutMs >= 0)) throw new StorageError('bad_query', `timeoutMs is ${timeoutMs}; 0 or more`)
    if (signal?.aborted) throw cancelled(call)
    this.#refuseKiller(call)
    if (this.#queue.length >= MAX_QUEUE) {
      throw new StorageError('overloaded', `${call.method}: ${MAX_QUEUE} queries are waiting already; ask again later`)
    }
    const { clock } = this.#host
    const callOff: (() => void)[] = []
    const deadlineMs = clock.monotonicMs() + timeoutMs
    const { promise, resolve, reject } = Promise.withResolvers<Results[C['method']]>()
    this.start()
    const asked: Asked = {
      id: this.#nextId++,
      call,
      deadlineMs,
      maxBytes,
      onFound,
      hasTold: false,
      settle: { resolve, reject },
      deaths: 0,
    }
    const giveUp = (error: StorageError): void => {
      if (!asked.settle) return
      asked.settle = undefined
      reject(error)
      this.#abandon(asked)
    }
    const graceMs = Math.max(MIN_GRACE_MS, timeoutMs * GRACE_SHARE)
    // A timer takes at most 2^31 ms; what waits longer waits for ever.
    if (timeoutMs + graceMs < 2 ** 31)
      callOff.push(clock.after(timeoutMs + graceMs, () => giveUp(timedOut(call, timeoutMs))))
    const abort = (): void => {
      if (this.#asked.has(asked.id)) this.#supervisor.post({ type: 'cancel', id: asked.id })
      if (!canSayIncomplete(call) || !this.#asked.has(asked.id)) giveUp(cancelled(call))
      else callOff.push(clock.after(CANCEL_GRACE_MS, () => giveUp(cancelled(call))))
    }
    signal?.addEventListener('abort', abort, { once: true })
    this.#queue.push(asked)
    this.#pump()
    try {
      return await promise
    } finally {
      for (const off of callOff) off()
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Asks what may be asked now. */
  #pump(): void {
    while (this.#supervisor.isRunning) {
      const [next] = this.#queue.splice(this.#nextPlace(), 1)
      if (!next) return
      this.#asked.set(next.id, next)
      const { id, call, deadlineMs, maxBytes } = next
      this.#supervisor.post({ type: 'call', id, call, deadlineMs, maxBytes })
    }
  }

  /** The place in the queue of what may be asked now; its end when that is nothing. What readers ended with is asked alone. A look at what has come does not wait for searches. */
  #nextPlace(): number {
    const [head] = this.#queue
    if (!head) return 0
    const none = this.#queue.length
    const asked = [...this.#asked.values()]
    if ([head, ...asked].some(({ deaths }) => deaths > 0)) return asked.length === 0 ? 0 : none
    const others = asked.filter(({ call }) => call.method !== 'arrivals').length
    if (others < AT_ONCE[this.part]) return 0
    const look = this.#queue.findIndex(({ call }) => call.method === 'arrivals')
    return look < 0 ? none : look
  }

  #take(message: FromReader): void {
    switch (message.type) {
      case 'event':
        this.#tell(message.event)
        return
      case 'joined':
        this.#joined.resolve()
        this.#supervisor.works()
        return
      case 'found': {
        const asked = this.#asked.get(message.id)
        if (!asked?.settle) return
        const { event } = message
        asked.hasTold ||= 'type' in event && event.type === 'traces'
        asked.onFound?.(event as never)
        return
      }
      case 'result':
      case 'error': {
        const asked = this.#asked.get(message.id)
        this.#asked.delete(message.id)
        if (message.type === 'error') asked?.settle?.reject(fromMessage(message.error))
        else if (asked?.settle) asked.settle.resolve(message.result as never)
        else if (asked?.call.method === 'openTrace') this.closeStream(message.result as number)
        this.#pump()
      }
    }
  }

  /** The caller of `asked` has been answered. When the reader has it, it has to give it back soon. */
  #abandon(asked: Asked): void {
    this.#queue = this.#queue.filter((one) => one !== asked)
    if (!this.#asked.has(asked.id)) return
    this.#supervisor.post({ type: 'cancel', id: asked.id })
    const overdueMs = asked.deadlineMs - this.#host.clock.monotonicMs() + HANG_MS
    if (overdueMs >= 2 ** 31) return
    this.#later(Math.max(overdueMs, HANG_MS), () => {
      if (this.#asked.get(asked.id) !== asked) return
      this.#remember(asked.call)
      this.#supervisor.replace(
        new StorageError('timeout', `${asked.call.method} did not end ${HANG_MS / 1000} s after its deadline`),
      )
    })
  }

  /** The reader is gone with what it had. */
  #lost(): void {
    const had = [...this.#asked.values()]
    this.#asked.clear()
    const again: Asked[] = []
    for (const asked of had) {
      if (!asked.settle) continue
      asked.deaths++
      if (asked.deaths === 1 && asked.call.method !== 'nextTrace' && !asked.hasTold) {
        again.push(asked)
        continue
      }
      if (asked.deaths > 1) this.#remember(asked.call)
      asked.settle.reject(
        new StorageError(
          'io',
          `${asked.call.method}: the ${this.part.replace('_', ' ')} ended ${asked.deaths > 1 ? 'twice ' : ''}while it had this query; ${asked.deaths > 1 ? 'ask for less' : 'ask again'}`,
        ),
      )
      asked.settle = undefined
    }
    this.#queue = [...again, ...this.#queue]
  }

  /** Nobody reads on in a trace. One that was open in a reader which is gone is closed already. */
  closeStream(stream: number): void {
    this.#supervisor.post({ type: 'closeTrace', stream })
  }

  #later(ms: number, run: () => void): void {
    const callOff = this.#host.clock.after(ms, () => {
      this.#timers.delete(callOff)
      run()
    })
    this.#timers.add(callOff)
  }

  #remember(call: Call): void {
    if (this.#refused.size >= MAX_REFUSED) this.#refused.delete(this.#refused.keys().next().value!)
    this.#refused.set(keyOf(call), this.#host.clock.monotonicMs() + REFUSED_MS)
  }

  #refuseKiller(call: Call): void {
    if (this.#refused.size === 0) return
    const untilMs = this.#refused.get(keyOf(call))
    if (untilMs === undefined || untilMs < this.#host.clock.monotonicMs()) return
    throw new StorageError(
      'timeout',
      `${call.method}: this query ended the ${this.part.replace('_', ' ')} less than ${REFUSED_MS / 1000} s ago; ask for less`,
    )
  }
}

function keyOf(call: Call): string {
  return JSON.stringify(call, (_key, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value))
}

/** Whether its answer says that it is not complete: then who cancels gets what there is. */
export function canSayIncomplete({ method }: Call): boolean {
  return method in SAY_COMPLETE
}

function timedOut({ method }: Call, timeoutMs: number): StorageError {
  return new StorageError('timeout', `${method} took longer than ${timeoutMs} ms; ask for less, or give it more time`)
}

function cancelled({ method }: Call): StorageError {
  return new StorageError('cancelled', `${method} was cancelled`)
}
