/**
 * Which route each part of a request takes. Parts are resources, items (spans, metrics, log records) or data points: as small as the routes choose
 * them. One walk over the bytes asks the routes for each part, in their order; then each route's parts are cut out, in a walk that reads nothing.
 */
import {
  countItems,
  editRequest,
  type Chunk,
  type LogRecordView,
  type MetricView,
  type Signal,
  type SpanView,
  type Visitor,
} from '@spoor/otlp'
import { EMPTY_CONTEXT, type DeliveryContext } from '../../component/index.ts'
import { depthOf, Item, type Chooser, type FailureListener } from '../../ottl/index.ts'
import type { RequestCondition } from './request-condition.ts'

export interface SorterRoute {
  readonly isCopy: boolean
  /** What it chooses by: the headers of the request, or what is in it. */
  readonly by: RequestCondition | Chooser
}

export interface Sorted {
  /** The chunks of each route, and last those of the rest. A chunk that all goes one way is that chunk itself. */
  readonly chunks: readonly Chunk[][]
  /** Items of the rest, where nobody wants it. */
  readonly dropped: number
}

/** How far in a part is, as {@link depthOf} has it. */
const RESOURCE = 0
const ITEM = 2
const POINT = 3

/** What is known of a route for what is looked at. */
const UNKNOWN = 0
const YES = 1
const NO = 2

/** Parts that there is room for at first. */
const FIRST_PARTS = 512

export class Sorter {
  readonly #signal: Signal
  readonly #routes: readonly SorterRoute[]
  readonly #depths: readonly number[]
  /** Of each route, whether it chooses by the request. */
  readonly #isOfRequest: readonly boolean[]
  /** That of the parts. */
  readonly #depth: number
  readonly #wantsRest: boolean
  readonly #failed: FailureListener
  readonly #item = new Item()
  readonly #asking: Visitor<Signal>
  readonly #cutting: Visitor<Signal>
  /** Of each route, for the request, resource, item and point that are looked at: each is asked once. */
  readonly #known: Uint8Array
  /** For each part the route that has moved it; as many as there are routes: none has. */
  #moved = new Uint16Array(FIRST_PARTS)
  /** Of routes that copy: 1 for each part that they have. */
  readonly #copied: (Uint8Array | undefined)[]
  /** Parts of each route, and last of the rest. */
  readonly #counts: Uint32Array
  /** Parts that were asked for, or of those that are cut the next. */
  #part = 0
  /** The route whose parts are cut out. */
  #route = 0

  /** `wantsRest`: whether somebody gets what no route has moved. `failed`: hears of conditions that fail. */
  constructor(signal: Signal, routes: readonly SorterRoute[], wantsRest: boolean, failed: FailureListener) {
    this.#signal = signal
    this.#routes = routes
    this.#wantsRest = wantsRest
    this.#failed = failed
    this.#isOfRequest = routes.map(({ by }) => typeof by === 'function' || by.context === undefined)
    this.#depths = routes.map(({ by }) => (typeof by === 'function' || !by.context ? RESOURCE : depthOf(by.context)))
    this.#depth = Math.max(...this.#depths)
    this.#known = new Uint8Array(routes.length)
    this.#copied = routes.map(({ isCopy }) => (isCopy ? new Uint8Array(FIRST_PARTS) : undefined))
    this.#counts = new Uint32Array(routes.length + 1)
    const each = { signal, depth: this.#depth, item: this.#item }
    this.#asking = visitorOf({
      ...each,
      opened: (depth) => this.#open(depth),
      keeps: (depth) => this.#ask(depth),
      dropsEmpty: false,
    })
    this.#cutting = visitorOf({
      ...each,
      opened: () => {},
      keeps: () => this.#isOf(this.#route, this.#part++),
      dropsEmpty: this.#depth > RESOURCE,
    })
  }

  /** Throws {@link OtlpError}, and what the listener throws. */
  sort(chunks: readonly Chunk[], delivery: DeliveryContext): Sorted {
    this.#item.delivery = delivery
    try {
      return this.#sort(chunks, delivery)
    } finally {
      // Nobody is kept from being collected.
      this.#item.delivery = EMPTY_CONTEXT
    }
  }

  #sort(chunks: readonly Chunk[], { metadata }: DeliveryContext): Sorted {
    const sorted: Chunk[][] = this.#routes.map(() => [])
    const rest: Chunk[] = []
    let dropped = 0
    for (const [route, { by }] of this.#routes.entries()) {
      if (!this.#isOfRequest[route]) continue
      const isChosen = typeof by === 'function' ? by(metadata) : by.chooses(this.#item, this.#failed)
      this.#known[route] = isChosen ? YES : NO
    }
    for (const chunk of chunks) {
      this.#part = 0
      this.#counts.fill(0)
      const bytes = editRequest(this.#signal, chunk.bytes, this.#asking)
      const parts = this.#part
      let left = chunk.items
      for (const [route, { isCopy }] of this.#routes.entries()) {
        const part = this.#cut(route, parts, chunk, bytes)
        if (!part) continue
        sorted[route]!.push(part)
        if (!isCopy) left -= part.items
      }
      const part = this.#wantsRest ? this.#cut(this.#routes.length, parts, chunk, bytes) : undefined
      if (part) rest.push(part)
      else dropped += left
    }
    return { chunks: [...sorted, rest], dropped }
  }

  /** Nothing is known yet of what is in a message that far in. */
  #open(depth: number): void {
    for (let route = 0; route < this.#depths.length; route++)
      if (this.#depths[route]! >= depth && !this.#isOfRequest[route]) this.#known[route] = UNKNOWN
  }

  /** Asks for the next part. */
  #ask(depth: number): true {
    const part = this.#part++
    if (part === this.#moved.length) this.#grow()
    for (const copied of this.#copied) if (copied) copied[part] = 0
    const routes = this.#routes
    let route = 0
    for (; route < routes.length; route++) {
      // A metric without data points is no data point.
      if (this.#depths[route]! > depth || !this.#chooses(route)) continue
      const copied = this.#copied[route]
      if (!copied) break
      copied[part] = 1
      this.#counts[route]!++
    }
    this.#moved[part] = route
    this.#counts[route]!++
    return true
  }

  #chooses(route: number): boolean {
    if (this.#known[route] === UNKNOWN) {
      const chooser = this.#routes[route]!.by as Chooser
      this.#known[route] = chooser.chooses(this.#item, this.#failed) ? YES : NO
    }
    return this.#known[route] === YES
  }

  #isOf(route: number, part: number): boolean {
    const copied = this.#copied[route]
    return copied ? copied[part] === 1 : this.#moved[part] === route
  }

  /** What a route has of a chunk; undefined for nothing. `bytes`: the chunk, as statements have changed it. */
  #cut(route: number, parts: number, chunk: Chunk, bytes: Uint8Array): Chunk | undefined {
    const count = this.#counts[route]!
    if (count === 0) return undefined
    if (count === parts) return bytes === chunk.bytes ? chunk : { bytes, items: chunk.items }
    this.#route = route
    this.#part = 0
    const cut = editRequest(this.#signal, bytes, this.#cutting)
    return { bytes: cut, items: countItems(this.#signal, cut) }
  }

  #grow(): void {
    const size = 2 * this.#moved.length
    const moved = new Uint16Array(size)
    moved.set(this.#moved)
    this.#moved = moved
    for (const [route, copied] of this.#copied.entries()) {
      if (!copied) continue
      const grown = new Uint8Array(size)
      grown.set(copied)
      this.#copied[route] = grown
    }
  }
}

interface Walk {
  readonly signal: Signal
  /** That of the parts. */
  readonly depth: number
  /** Shows what is looked at. */
  readonly item: Item
  readonly opened: (depth: number) => void
  /** Whether the part stays; asked for each, in the order of the bytes. */
  readonly keeps: (depth: number) => boolean
  readonly dropsEmpty: boolean
}

function visitorOf({ signal, depth, item, opened, keeps, dropsEmpty }: Walk): Visitor<Signal> {
  const resource: NonNullable<Visitor<Signal>['resource']> = (view) => {
    item.resource = view
    opened(RESOURCE)
    if (depth === RESOURCE && !keeps(RESOURCE)) view.drop()
  }
  if (depth === RESOURCE) return { resource, dropsEmpty }
  const scope: NonNullable<Visitor<Signal>['scope']> = (view) => void (item.scope = view)
  if (signal !== 'metrics') {
    const show =
      signal === 'traces'
        ? (view: object): void => void (item.span = view as SpanView)
        : (view: object): void => void (item.log = view as LogRecordView)
    return {
      resource,
      scope,
      item(view) {
        show(view)
        opened(ITEM)
        if (!keeps(ITEM)) view.drop()
      },
      dropsEmpty,
    }
  }
  return {
    resource,
    scope,
    item(view) {
      const metric = view as MetricView
      item.metric = metric
      opened(ITEM)
      if (depth === ITEM || metric.type === undefined || metric.pointCount === 0) {
        if (!keeps(ITEM)) metric.drop()
        return
      }
      metric.forEachPoint((point) => {
        item.point = point
        opened(POINT)
        if (!keeps(POINT)) point.drop()
      })
      if (metric.pointCount === 0) metric.drop()
    },
    dropsEmpty,
  }
}
