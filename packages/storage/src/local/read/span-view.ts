import { bytesToHex, createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import { decodeText, readAttribute, valueOf, type Value } from '../block/attribute.ts'
import { viewOf } from '../block/hash.ts'
import { freeMemory } from '../block/memory.ts'
import type { Block } from './block.ts'
import type { Target } from '../../contract.ts'
import type { BlockRows, Frame } from '../block/rows.ts'
import { frameAt } from './trace-rows.ts'
import type { ValueMemo } from './filter/value-memo.ts'
import {
  collectValues,
  RESOURCE_PLACE,
  SCOPE_PLACE,
  SPAN_PLACES,
  textAt,
  visitAttributes,
  visitKey,
  visitMessages,
  type AttributePlace,
} from './wire.ts'

const encoder = new TextEncoder()
/** Tags of Span.events = 11 and .links = 13. */
const EVENTS = 0x5a
const LINKS = 0x6a
const EVENT_NAME = 0x12

/** An attribute target made ready: its key, and where in the messages it is looked for. */
export interface AttributeTarget {
  readonly key: Uint8Array
  readonly span: AttributePlace | undefined
  readonly resource: boolean
  readonly scope: boolean
}

export function attributeTarget(target: Extract<Target, { attribute: string }>): AttributeTarget {
  const level = target.level ?? 'any'
  return {
    key: encoder.encode(target.attribute),
    span: level === 'resource' || level === 'scope' ? undefined : SPAN_PLACES[level],
    resource: level === 'any' || level === 'resource',
    scope: level === 'any' || level === 'scope',
  }
}

/**
 * One span of a block with its bytes, moved from row to row. Values that belong to a span's resource or scope are read once a
 * group.
 */
export class SpanView {
  readonly #block: Block
  readonly #rows: BlockRows
  #row = 0
  /** The frame whose bytes are at hand, of blocks that have frames. */
  #frame: Frame | undefined
  /** Whether frames are looked at once, and what is not kept of them is to be freed. */
  readonly #frees: boolean
  #isOwn = false
  /** Why that frame cannot be read: it is tried once, not for each of its spans. */
  #failure: Error | undefined
  #bytes: Uint8Array = new Uint8Array()
  #view = viewOf(this.#bytes)
  /** Where the span is in these bytes, of blocks that have no frames. */
  #columns: SpanColumns | undefined
  readonly #groups = new Map<object, Map<number, number>>()
  /** What was asked of a group last: spans of one follow one another. */
  #lastOf: object | undefined
  #lastGroup = -1
  #lastBits = 0

  /**
   * `rows`: what {@link Block.rows}, {@link Block.traceRows} or {@link Block.places} gave. `frees`: rows come in their order, and nothing of {@link bytes} is held when the next
   * one does, so that the memory of a frame can be given back at once. Default false.
   */
  constructor(block: Block, rows: BlockRows, frees = false) {
    this.#block = block
    this.#rows = rows
    this.#frees = frees && block.takeFrame !== undefined
  }

  /** Of one that `frees`, at last: gives back the memory of its bytes. */
  end(): void {
    if (this.#isOwn) freeMemory(this.#bytes)
    this.#isOwn = false
    this.#frame = undefined
  }

  get row(): number {
    return this.#row
  }

  /** What the ranges are of. */
  get bytes(): Uint8Array {
    return this.#bytes
  }

  /** Bytes of the span. */
  get spanBytes(): number {
    return this.#rows.spanEnd[this.#row]! - this.#rows.spanStart[this.#row]!
  }

  /** Moves to a row of the frame that is at hand; false, and nothing happens, when it is of another or cannot be read. */
  moveWithin(row: number): boolean {
    const frame = this.#frame
    const at = this.#rows.spanStart[row]!
    if (!frame || this.#failure || at < frame.rawStart || at >= frame.rawStart + frame.rawLength) return false
    this.#row = row
    return true
  }

  /** Rows should come in order, ascending or descending: each frame is then inflated once. Returns how many bytes that were. Throws what {@link Block.spanBytes} does. */
  moveTo(row: number): number {
    this.#row = row
    return this.#rows.frames.length > 0 && this.#block.frame ? this.#moveToFrame(row) : this.#moveToSpan(row)
  }

  #moveToFrame(row: number): number {
    const at = this.#rows.spanStart[row]!
    const frame = this.#frame
    if (frame && at >= frame.rawStart && at < frame.rawStart + frame.rawLength) {
      if (this.#failure) throw this.#failure
      return 0
    }
    this.end()
    const next = frameAt(this.#rows, at)
    this.#frame = next
    this.#failure = undefined
    try {
      const { bytes, isOwn } = this.#frees
        ? this.#block.takeFrame!(next)
        : { bytes: this.#block.frame!(next), isOwn: false }
      this.#bytes = bytes
      this.#isOwn = isOwn
      this.#view = viewOf(this.#bytes)
      return this.#bytes.length
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }

  #moveToSpan(row: number): number {
    this.#bytes = this.#block.spanBytes(this.#rows, Uint32Array.of(row))
    this.#view = viewOf(this.#bytes)
    this.#columns ??= createSpanColumns(1)
    this.#columns.count = 0
    scanSpans(this.#bytes, this.#columns)
    return this.#bytes.length
  }

  /** All values of an attribute. */
  attributes(target: AttributeTarget): readonly Value[] {
    const values: Value[] = []
    if (target.span) collectValues(this.#bytes, ...this.spanRange(), target.span, target.key, values)
    if (target.resource) collectValues(this.#bytes, ...this.resourceRange(), RESOURCE_PLACE, target.key, values)
    if (target.scope) collectValues(this.#bytes, ...this.scopeRange(), SCOPE_PLACE, target.key, values)
    return values
  }

  /** Span.trace_state = 3. */
  traceState(): string {
    return textAt(this.#bytes, ...this.spanRange(), [3])
  }

  /** Span.status = 15, Status.message = 2. */
  statusMessage(): string {
    return textAt(this.#bytes, ...this.spanRange(), [15, 2])
  }

  /** ScopeSpans.scope = 1, InstrumentationScope.name = 1, .version = 2. */
  scopeName(): string {
    return textAt(this.#bytes, ...this.scopeRange(), [1, 1])
  }

  scopeVersion(): string {
    return textAt(this.#bytes, ...this.scopeRange(), [1, 2])
  }

  /** Span.events = 11, Event.name = 2; of those events that have one. */
  eventNames(): string[] {
    const names: string[] = []
    visitMessages(this.#bytes, ...this.spanRange(), EVENTS, (start, end) => {
      let name: string | undefined
      visitMessages(this.#bytes, start, end, EVENT_NAME, (from, to) => (name = decodeText(this.#bytes, from, to)))
      if (name !== undefined) names.push(name)
    })
    return names
  }

  /** Span.links = 13, Link.trace_id = 1, .span_id = 2; as hex digits, '' where there is none. */
  linkIds(of: 'trace' | 'span'): string[] {
    const ids: string[] = []
    const tag = of === 'trace' ? 0x0a : 0x12
    visitMessages(this.#bytes, ...this.spanRange(), LINKS, (start, end) => {
      let id = ''
      visitMessages(this.#bytes, start, end, tag, (from, to) => (id = bytesToHex(this.#bytes, from, to)))
      ids.push(/^0*$/.test(id) ? '' : id)
    })
    return ids
  }

  /** The `Span` message: start and end in {@link bytes}. */
  spanRange(): readonly [number, number] {
    const columns = this.#columns
    if (columns) return [columns.spanStart[0]!, columns.spanEnd[0]!]
    const base = this.#frame!.rawStart
    return [this.#rows.spanStart[this.#row]! - base, this.#rows.spanEnd[this.#row]! - base]
  }

  /** The `ResourceSpans` message that it is in. */
  resourceRange(): readonly [number, number] {
    const columns = this.#columns
    return columns ? [columns.resourceStart[0]!, columns.resourceEnd[0]!] : this.#groupRange(0)
  }

  /** The `ScopeSpans` message that it is in. */
  scopeRange(): readonly [number, number] {
    const columns = this.#columns
    return columns ? [columns.scopeStart[0]!, columns.scopeEnd[0]!] : this.#groupRange(2)
  }

  /** The bits that `memo` has for the values of an attribute, together; 0 when there are none. */
  fold(target: AttributeTarget, memo: ValueMemo): number {
    let bits = target.resource || target.scope ? this.#foldGroup(target, memo) : 0
    if (!target.span) return bits
    const bytes = this.#bytes
    const [from, to] = this.spanRange()
    visitKey(bytes, from, to, target.span, target.key, (start, end) => {
      bits |= memo.of(bytes, this.#view, start, end)
    })
    return bits
  }

  #foldGroup(target: AttributeTarget, memo: ValueMemo): number {
    if (target === this.#lastOf && this.#rows.group[this.#row] === this.#lastGroup) return this.#lastBits
    return this.#ofGroup(target, () => {
      const bytes = this.#bytes
      let bits = 0
      const visit = (start: number, end: number): void => {
        bits |= memo.of(bytes, this.#view, start, end)
      }
      if (target.resource) visitKey(bytes, ...this.resourceRange(), RESOURCE_PLACE, target.key, visit)
      if (target.scope) visitKey(bytes, ...this.scopeRange(), SCOPE_PLACE, target.key, visit)
      return bits
    })
  }

  /** As {@link fold}, of all attributes whatever their key. */
  foldAll(memo: ValueMemo): number {
    let bits = this.#ofGroup(memo, () => {
      let own = 0
      const visit = (bytes: Uint8Array, start: number, end: number): void => {
        own |= memo.of(bytes, this.#view, start, end)
      }
      visitAttributes(this.#bytes, ...this.resourceRange(), RESOURCE_PLACE, visit)
      visitAttributes(this.#bytes, ...this.scopeRange(), SCOPE_PLACE, visit)
      return own
    })
    visitAttributes(this.#bytes, ...this.spanRange(), SPAN_PLACES.any, (bytes, start, end) => {
      bits |= memo.of(bytes, this.#view, start, end)
    })
    return bits
  }

  /** The key of the first attribute whose value is as asked; of the span's own first. */
  keyOf(isWanted: (value: Value) => boolean): string | undefined {
    let key: string | undefined
    const visit = (bytes: Uint8Array, start: number, end: number): void => {
      const attribute = key === undefined ? readAttribute(bytes, start, end) : undefined
      if (attribute && isWanted(valueOf(attribute.value))) key = attribute.key
    }
    visitAttributes(this.#bytes, ...this.spanRange(), SPAN_PLACES.any, visit)
    visitAttributes(this.#bytes, ...this.resourceRange(), RESOURCE_PLACE, visit)
    visitAttributes(this.#bytes, ...this.scopeRange(), SCOPE_PLACE, visit)
    return key
  }

  #groupRange(at: 0 | 2): readonly [number, number] {
    const base = this.#frame!.rawStart
    const i = 4 * this.#rows.group[this.#row]! + at
    return [this.#rows.groups[i]! - base, this.#rows.groups[i + 1]! - base]
  }

  /** What `read` gives, once for each group of spans and each `of`. */
  #ofGroup(of: object, read: () => number): number {
    let groups = this.#groups.get(of)
    if (!groups) this.#groups.set(of, (groups = new Map()))
    const group = this.#rows.group[this.#row]!
    let bits = groups.get(group)
    if (bits === undefined) groups.set(group, (bits = read()))
    this.#lastOf = of
    this.#lastGroup = group
    this.#lastBits = bits
    return bits
  }
}
