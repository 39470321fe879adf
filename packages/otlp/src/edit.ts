/**
 * Changing a serialized request at every level: resource, scope, item (span, log record, metric), and what an item has
 * (events, links, data points). Each is shown as a view that decodes what is asked for; what nobody changes is copied
 * as it came, with unknown fields and in its order, and a request in which nothing was changed is the same bytes.
 */
import type { Signal } from './batch.ts'
import { countItems } from './count.ts'
import { Pieces } from './pieces.ts'
import { HEADER_TAG, ResourceView, SCHEMA_URL_TAG, ScopeView, type HeaderView } from './view/header.ts'
import { LogRecordView } from './view/log-record.ts'
import { MetricView } from './view/metric.ts'
import { SpanView } from './view/span.ts'
import { lengthEnd, next, readTag, skipField } from './wire.ts'
import { closeMessage, mark, writeString } from './writer.ts'

/** The view of an item of each signal. */
export interface ItemViews {
  readonly traces: SpanView
  readonly logs: LogRecordView
  readonly metrics: MetricView
}

/**
 * What to do with each. All is called in the order of the bytes, a resource before its scopes and a scope before its
 * items; what is dropped there is not shown further. Views are valid within the call, and those of the resource and the
 * scope that an item is in can be read and changed with it. A message whose last scope or item is dropped vanishes.
 */
export interface Visitor<S extends Signal> {
  readonly resource?: (resource: ResourceView) => void
  readonly scope?: (scope: ScopeView, resource: ResourceView) => void
  readonly item?: (item: ItemViews[S], scope: ScopeView, resource: ResourceView) => void
  /** Whether those that were shown and came without a scope or item vanish, too. Default: false. */
  readonly dropsEmpty?: boolean
}

/** The request as the visitor changes it; `bytes` itself where it changes nothing. Throws {@link OtlpError}. */
export function editRequest<S extends Signal>(signal: S, bytes: Uint8Array, visitor: Visitor<S>): Uint8Array {
  return withViews(signal, (views) => new Editor(bytes, visitor, views).run())
}

/** The same, and how many items the request has then; `items`: how many there were. Counts anew where whole scopes or resources were dropped, or parts of metrics. */
export function editItems<S extends Signal>(signal: S, bytes: Uint8Array, items: number, visitor: Visitor<S>): Edited {
  return withViews(signal, (views) => {
    const editor = new Editor(bytes, visitor, views)
    const edited = editor.run()
    if (edited === bytes) return { bytes, items }
    const { dropped } = editor
    const isCounted = dropped !== undefined && signal !== 'metrics'
    return { bytes: edited, items: isCounted ? items - dropped : countItems(signal, edited) }
  })
}

export interface Edited {
  readonly bytes: Uint8Array
  readonly items: number
}

/** What `use` gives; the views are nobody else's meanwhile. @internal */
export function withViews<S extends Signal, T>(signal: S, use: (views: Views<S>) => T): T {
  const pool = pools[signal] as Views<S>[]
  const views = pool.pop() ?? { resource: new ResourceView(), scope: new ScopeView(), item: createItemView(signal) }
  try {
    return use(views)
  } finally {
    for (const view of Object.values(views)) view.release()
    pool.push(views)
  }
}

/** @internal */
export interface Views<S extends Signal> {
  readonly resource: ResourceView
  readonly scope: ScopeView
  readonly item: ItemViews[S]
}

/** Views that nobody uses: to make them costs as much as some spans. More than one of a signal where a visitor edits a request itself. */
const pools: { readonly [S in Signal]: Views<S>[] } = { traces: [], metrics: [], logs: [] }

/** @internal */
export function createItemView<S extends Signal>(signal: S): ItemViews[S] {
  const create = { traces: SpanView, logs: LogRecordView, metrics: MetricView }[signal]
  return new create() as ItemViews[S]
}

/** The tags that lead to items of any signal. @internal */
export const GROUP_TAG = 0x0a
export const SCOPE_TAG = 0x12
export const ITEM_TAG = 0x12

/** What became of a message. */
const SAME = 0
const CHANGED = 1
const GONE = 2

class Editor<S extends Signal> {
  readonly #bytes: Uint8Array
  readonly #visitor: Visitor<S>
  readonly #resource: ResourceView
  readonly #scope: ScopeView
  readonly #item: ItemViews[S]
  readonly #pieces: Pieces
  /** Items that were dropped one by one; undefined where others went with what they were in. */
  dropped: number | undefined = 0

  constructor(bytes: Uint8Array, visitor: Visitor<S>, { resource, scope, item }: Views<S>) {
    this.#bytes = bytes
    this.#visitor = visitor
    this.#resource = resource
    this.#scope = scope
    this.#item = item
    this.#pieces = new Pieces(bytes)
  }

  run(): Uint8Array {
    const bytes = this.#bytes
    const end = bytes.length
    let isChanged = false
    let p = 0
    while (p < end) {
      const from = p
      const tag = readTag(bytes, p, end)
      if (tag === GROUP_TAG) {
        p = lengthEnd(bytes, next, end)
        if (this.#visitResource(from, next, p) !== SAME) isChanged = true
      } else {
        p = skipField(bytes, next, end, tag, 0)
        this.#pieces.source(from, p)
      }
    }
    return isChanged ? this.#pieces.finish() : bytes
  }

  #visitResource(from: number, start: number, end: number): number {
    const { resource, scope, item } = this.#visitor
    this.#resource.open(this.#bytes, start, end)
    resource?.(this.#resource)
    if (this.#resource.isDropped) return this.#goneWithAll()
    const visitScope =
      scope || item ? (at: number, from: number, to: number) => this.#visitScope(at, from, to) : undefined
    return this.#visitGroup(GROUP_TAG, SCOPE_TAG, from, start, end, this.#resource, visitScope)
  }

  #visitScope(from: number, start: number, end: number): number {
    const { scope, item } = this.#visitor
    this.#scope.open(this.#bytes, start, end)
    scope?.(this.#scope, this.#resource)
    if (this.#scope.isDropped) return this.#goneWithAll()
    const visitItem = item ? (at: number, from: number, to: number) => this.#visitItem(item, at, from, to) : undefined
    return this.#visitGroup(SCOPE_TAG, ITEM_TAG, from, start, end, this.#scope, visitItem)
  }

  #visitItem(visit: NonNullable<Visitor<S>['item']>, from: number, start: number, end: number): number {
    const item = this.#item
    item.open(this.#bytes, start, end)
    visit(item, this.#scope, this.#resource)
    if (item.isDropped) {
      if (this.dropped !== undefined) this.dropped++
      return GONE
    }
    if (!item.isChanged) {
      this.#pieces.source(from, end)
      return SAME
    }
    this.#pieces.open(ITEM_TAG)
    item.addTo(this.#pieces)
    this.#pieces.close()
    return CHANGED
  }

  #goneWithAll(): number {
    this.dropped = undefined
    return GONE
  }

  /** A message with a header and children; `visit` adds the pieces of a child, given where its tag and its content are. */
  #visitGroup(
    tag: number,
    childTag: number,
    from: number,
    start: number,
    end: number,
    header: HeaderView,
    visit: ((from: number, start: number, end: number) => number) | undefined,
  ): number {
    const bytes = this.#bytes
    const pieces = this.#pieces
    const before = pieces.mark
    const headers: number[] = []
    const urls: number[] = []
    let isChanged = false
    let kept = 0
    let gone = 0
    pieces.open(tag)
    let p = start
    while (p < end) {
      const at = p
      const fieldTag = readTag(bytes, p, end)
      const isKnown = fieldTag === childTag || fieldTag === HEADER_TAG || fieldTag === SCHEMA_URL_TAG
      p = isKnown ? lengthEnd(bytes, next, end) : skipField(bytes, next, end, fieldTag, 0)
      if (fieldTag === HEADER_TAG) headers.push(pieces.replaceable(at, p))
      else if (fieldTag === SCHEMA_URL_TAG) urls.push(pieces.replaceable(at, p))
      else if (fieldTag !== childTag) pieces.source(at, p)
      else if (!visit) {
        pieces.source(at, p)
        kept++
      } else {
        const outcome = visit(at, next, p)
        if (outcome === GONE) gone++
        else kept++
        if (outcome !== SAME) isChanged = true
      }
    }
    if ((kept === 0 && (gone > 0 || this.#visitor.dropsEmpty)) || header.isDropped) {
      if (header.isDropped) this.dropped = undefined
      pieces.rewind(before)
      return GONE
    }
    if (!isChanged && !header.isChanged && header.newSchemaUrl === undefined) {
      pieces.rewind(before)
      pieces.source(from, end)
      return SAME
    }
    if (header.isChanged) this.#replaceAll(headers, () => this.#writeHeader(header))
    const url = header.newSchemaUrl
    if (url !== undefined) this.#replaceAll(urls, () => writeString(pieces.writer, SCHEMA_URL_TAG, url))
    pieces.close()
    return CHANGED
  }

  /** Puts what is written in the place of the first of the pieces, or at the end; the others go. */
  #replaceAll(places: readonly number[], write: () => void): void {
    const pieces = this.#pieces
    const from = mark(pieces.writer)
    write()
    if (places.length === 0) pieces.written(from)
    for (const [i, place] of places.entries()) pieces.replace(place, i === 0 ? from : mark(pieces.writer))
  }

  #writeHeader(header: HeaderView): void {
    const from = mark(this.#pieces.writer)
    header.write(this.#pieces.writer)
    closeMessage(this.#pieces.writer, HEADER_TAG, from)
  }
}
