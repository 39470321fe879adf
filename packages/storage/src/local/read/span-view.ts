import { createSpanColumns, scanSpans, type SpanColumns } from '@spoor/otlp'
import type { Value } from '../block/attribute.ts'
import type { Block } from './block.ts'
import type { Target } from '../../contract.ts'
import type { BlockRows, Frame } from '../block/rows.ts'
import { frameAt } from './trace-rows.ts'
import { collectValues, RESOURCE_PLACE, SCOPE_PLACE, SPAN_PLACES, textAt, type AttributePlace } from './wire.ts'

const NONE: readonly Value[] = []
const encoder = new TextEncoder()

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
  /** Why that frame cannot be read: it is tried once, not for each of its spans. */
  #failure: Error | undefined
  #bytes: Uint8Array = new Uint8Array()
  /** Where the span is in these bytes, of blocks that have no frames. */
  #columns: SpanColumns | undefined
  readonly #groups = new Map<AttributeTarget, Map<number, Value[]>>()

  /** `rows`: what {@link Block.rows} or {@link Block.traceRows} gave. */
  constructor(block: Block, rows: BlockRows) {
    this.#block = block
    this.#rows = rows
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
    this.#frame = frameAt(this.#rows, at)
    this.#failure = undefined
    try {
      this.#bytes = this.#block.frame!(this.#frame)
      return this.#bytes.length
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }

  #moveToSpan(row: number): number {
    this.#bytes = this.#block.spanBytes(this.#rows, Uint32Array.of(row))
    this.#columns ??= createSpanColumns(1)
    this.#columns.count = 0
    scanSpans(this.#bytes, this.#columns)
    return this.#bytes.length
  }

  attributes(target: AttributeTarget): readonly Value[] {
    const ofGroup = target.resource || target.scope ? this.#ofGroup(target) : NONE
    if (!target.span) return ofGroup
    const values: Value[] = []
    collectValues(this.#bytes, ...this.spanRange(), target.span, target.key, values)
    return ofGroup.length === 0 ? values : [...values, ...ofGroup]
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

  #groupRange(at: 0 | 2): readonly [number, number] {
    const base = this.#frame!.rawStart
    const i = 4 * this.#rows.group[this.#row]! + at
    return [this.#rows.groups[i]! - base, this.#rows.groups[i + 1]! - base]
  }

  #ofGroup(target: AttributeTarget): Value[] {
    let groups = this.#groups.get(target)
    if (!groups) this.#groups.set(target, (groups = new Map()))
    const group = this.#rows.group[this.#row]!
    let values = groups.get(group)
    if (!values) {
      values = []
      if (target.resource) collectValues(this.#bytes, ...this.resourceRange(), RESOURCE_PLACE, target.key, values)
      if (target.scope) collectValues(this.#bytes, ...this.scopeRange(), SCOPE_PLACE, target.key, values)
      groups.set(group, values)
    }
    return values
  }
}
