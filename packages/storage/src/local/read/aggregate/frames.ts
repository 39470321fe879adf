import { criticalPathOfShape } from '@spoor/trace'
import type { Flame, FlameFrame, FlameOthers } from '../../../contract.ts'
import type { SweptTrace } from '../trace-sweep.ts'
import type { Turn } from '../turn.ts'

const ERROR = 2
/** What is below is counted with what is above. */
const MAX_DEPTH = 128
const MAX_FRAMES = 100_000
/** Of a frame in memory, of each trace that it names, and of an operation beside its texts. */
const FRAME_BYTES = 400
const EXEMPLAR_BYTES = 120
const OPERATION_BYTES = 200
/** What a span costs, in units of {@link Turn.work}. */
const SPAN_UNITS = 400
/** A critical path is found in one piece: that of a larger trace would take the thread too long, and is left out. */
export const MAX_PATH_SPANS = 200_000

interface Operation {
  readonly service: string
  readonly name: string
}

/** Sums over spans. */
interface Sums {
  calls: number
  errors: number
  totalNs: number
  selfNs: number
  criticalNs: number
}

/** Spans of one call path, over all traces so far. */
interface Frame extends Sums {
  /** Undefined: no frame of its own, but all that cannot be told apart below the one above. */
  readonly operation: Operation | undefined
  readonly depth: number
  /** By the number of the operation. */
  readonly children: Map<number, Frame>
  /** Below it, what cannot be told apart. */
  rest: Frame | undefined
  traces: number
  readonly exemplars: { readonly traceId: string; readonly totalNs: number }[]
  /** The last trace that it was in, and its total time in that. */
  trace: number
  ofTraceNs: number
}

/** A frame in the order in which all are told. */
interface Placed {
  readonly frame: Frame
  /** Where the one above is in that order; -1: none. */
  readonly above: number
  /** The most total time that it or one below it has. */
  weight: number
}

/** Folds traces into frames, one after the other. */
export class Frames {
  readonly #maxExemplars: number
  readonly #turn: Turn
  readonly #numbers = new Map<string, number>()
  readonly #operations: Operation[] = []
  /** Above all. */
  readonly #top = createFrame(undefined, 0)
  #size = 0
  #traces = 0
  #requestNs = 0

  constructor(exemplars: number, turn: Turn) {
    this.#maxExemplars = exemplars
    this.#turn = turn
  }

  add(trace: SweptTrace): void {
    const { table, shape, summary } = trace
    const { size, order, parent, selfNs } = shape
    this.#turn.work(SPAN_UNITS * size)
    this.#traces++
    this.#requestNs += summary.requestDurationNs
    const frames = this.#framesOf(trace)
    const touched: Frame[] = []
    for (let position = 0; position < size; position++) {
      const frame = frames[position]!
      const span = order[position]!
      const durationNs = Math.max(0, table.durationNs[span]!)
      frame.calls++
      if (table.status[span] === ERROR) frame.errors++
      frame.selfNs += selfNs[position]!
      if (frame.operation || frames[parent[position]!] !== frame) frame.totalNs += durationNs
      if (frame.trace !== this.#traces) {
        frame.trace = this.#traces
        frame.traces++
        frame.ofTraceNs = 0
        touched.push(frame)
      }
      frame.ofTraceNs += durationNs
    }
    if (size > MAX_PATH_SPANS) this.#turn.incomplete = true
    else
      for (const { row, startNs, endNs } of criticalPathOfShape(table, shape))
        frames[row]!.criticalNs += endNs - startNs
    if (this.#maxExemplars > 0) for (const frame of touched) this.#name(frame, summary.traceId)
  }

  /** The frame of each span, by position. */
  #framesOf({ table, shape: { size, order, parent } }: SweptTrace): Frame[] {
    const numbers = new Map<number, number>()
    const operationOf = (position: number): number => {
      const span = order[position]!
      const key = table.service[span]! * table.names.length + table.name[span]!
      let number = numbers.get(key)
      if (number === undefined) {
        number = this.#numberOf(table.services[table.service[span]!]!, table.names[table.name[span]!]!)
        numbers.set(key, number)
      }
      return number
    }
    const frames: (Frame | undefined)[] = Array.from({ length: size })
    const path: number[] = []
    for (let position = 0; position < size; position++) {
      // A child whose clock is behind comes before its parent.
      let at = position
      for (; at !== -1 && !frames[at]; at = parent[at]!) path.push(at)
      let frame = at === -1 ? this.#top : frames[at]!
      for (let next = path.pop(); next !== undefined; next = path.pop())
        frame = frames[next] = this.#below(frame, operationOf(next))
    }
    return frames as Frame[]
  }

  /** -1 where there is no memory for it. */
  #numberOf(service: string, name: string): number {
    const key = `${service}\0${name}`
    const known = this.#numbers.get(key)
    if (known !== undefined) return known
    if (!this.#turn.reserve(OPERATION_BYTES + 4 * key.length)) return -1
    this.#numbers.set(key, this.#operations.length)
    return this.#operations.push({ service, name }) - 1
  }

  #below(above: Frame, operation: number): Frame {
    if (!above.operation && above !== this.#top) return above
    const known = above.children.get(operation)
    if (known) return known
    const isRoom = operation >= 0 && above.depth < MAX_DEPTH && this.#size < MAX_FRAMES
    if (!isRoom || !this.#turn.reserve(FRAME_BYTES + EXEMPLAR_BYTES * this.#maxExemplars))
      return (above.rest ??= createFrame(undefined, 0))
    this.#size++
    const frame = createFrame(this.#operations[operation], above.depth + 1)
    above.children.set(operation, frame)
    return frame
  }

  #name({ exemplars, ofTraceNs: totalNs }: Frame, traceId: string): void {
    let at = exemplars.length
    while (at > 0 && isBefore({ traceId, totalNs }, exemplars[at - 1]!)) at--
    exemplars.splice(at, 0, { traceId, totalNs })
    if (exemplars.length > this.#maxExemplars) exemplars.pop()
  }

  answer(limit: number): Pick<Flame, 'traces' | 'requestNs' | 'frames' | 'others'> {
    const all: Placed[] = []
    place(this.#top, -1, all)
    const kept = new Set(
      all
        .toSorted((a, b) => b.weight - a.weight)
        .slice(0, limit)
        .map(({ frame }) => frame),
    )
    /** By place in `all`: that in the answer. */
    const told: number[] = []
    const frames: FlameFrame[] = []
    for (const [i, { frame, above }] of all.entries()) {
      if (!kept.has(frame)) continue
      told[i] = frames.length
      const { operation, calls, errors, totalNs, selfNs, criticalNs, traces, exemplars } = frame
      frames.push({
        parent: above < 0 ? -1 : told[above]!,
        ...operation!,
        traces,
        calls,
        errors,
        totalNs,
        selfNs,
        criticalNs,
        exemplars: exemplars.slice(),
        others: othersOf(frame, kept),
      })
    }
    return { traces: this.#traces, requestNs: this.#requestNs, frames, others: othersOf(this.#top, kept) }
  }
}

function createFrame(operation: Operation | undefined, depth: number): Frame {
  return {
    operation,
    depth,
    children: new Map(),
    rest: undefined,
    calls: 0,
    errors: 0,
    totalNs: 0,
    selfNs: 0,
    criticalNs: 0,
    traces: 0,
    exemplars: [],
    trace: 0,
    ofTraceNs: 0,
  }
}

type Named = Frame['exemplars'][number]

function isBefore(a: Named, b: Named): boolean {
  return a.totalNs > b.totalNs || (a.totalNs === b.totalNs && a.traceId < b.traceId)
}

/** Adds the frames below one to `all`, each before those below it; gives the most total time of any of them. */
function place(frame: Frame, above: number, all: Placed[]): number {
  let most = 0
  for (const child of [...frame.children.values()].sort(compareFrames)) {
    const placed: Placed = { frame: child, above, weight: child.totalNs }
    const at = all.push(placed) - 1
    placed.weight = Math.max(placed.weight, place(child, at, all))
    most = Math.max(most, placed.weight)
  }
  return most
}

function compareFrames(a: Frame, b: Frame): number {
  const [one, other] = [a.operation!, b.operation!]
  return b.totalNs - a.totalNs || compareTexts(one.service, other.service) || compareTexts(one.name, other.name)
}

function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}

/** What is below a frame that is told and is not told itself. */
function othersOf({ children, rest }: Frame, kept: ReadonlySet<Frame>): FlameOthers | undefined {
  const others = { frames: 0, calls: 0, errors: 0, totalNs: 0, selfNs: 0, criticalNs: 0 }
  const add = (frame: Frame): void => {
    others.frames++
    others.calls += frame.calls
    others.errors += frame.errors
    others.selfNs += frame.selfNs
    others.criticalNs += frame.criticalNs
    for (const child of frame.children.values()) add(child)
    if (frame.rest) add(frame.rest)
  }
  for (const frame of [...children.values(), ...(rest ? [rest] : [])]) {
    if (kept.has(frame)) continue
    others.totalNs += frame.totalNs
    add(frame)
  }
  return others.frames > 0 ? others : undefined
}
