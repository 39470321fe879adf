import type { Value } from '../block/attribute.ts'
import type { Block } from './block.ts'
import type { Level, Target } from '../../contract.ts'
import type { BlockRows, Frame } from '../block/rows.ts'
import { collectValues, textAt, type AttributePlace } from './wire.ts'

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
    span: SPAN_PLACES[level],
    resource: level === 'any' || level === 'resource',
    scope: level === 'any' || level === 'scope',
  }
}

/** Tags of opentelemetry-proto: Span.attributes = 9, .events = 11, .links = 13; Event.attributes = 3, Link.attributes = 4. */
const SPAN_PLACES: Partial<Record<Level, AttributePlace>> = {
  any: { direct: 0x4a, nested: 0x5a, inner: 0x1a },
  span: { direct: 0x4a, nested: 0, inner: 0 },
  event: { direct: 0, nested: 0x5a, inner: 0x1a },
  link: { direct: 0, nested: 0x6a, inner: 0x22 },
}
/** ResourceSpans.resource = 1, Resource.attributes = 1; ScopeSpans.scope = 1, InstrumentationScope.attributes = 3. */
const RESOURCE_PLACE: AttributePlace = { direct: 0, nested: 0x0a, inner: 0x0a }
const SCOPE_PLACE: AttributePlace = { direct: 0, nested: 0x0a, inner: 0x1a }

/**
 * One span of a block with its bytes, moved from row to row. Values that belong to a span's resource or scope are read once a
 * group.
 */
export class SpanView {
  readonly #block: Block
  readonly #rows: BlockRows
  #row = 0
  #frame: Frame | undefined
  /** Why that frame cannot be read: it is tried once, not for each of its spans. */
  #failure: Error | undefined
  #bytes: Uint8Array = new Uint8Array()
  readonly #groups = new Map<AttributeTarget, Map<number, Value[]>>()

  constructor(block: Block, rows: BlockRows) {
    this.#block = block
    this.#rows = rows
  }

  get row(): number {
    return this.#row
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

  /** Rows should come in ascending order: each frame is then inflated once. Returns how many bytes that were. Throws what {@link Block.frame} does. */
  moveTo(row: number): number {
    this.#row = row
    const at = this.#rows.spanStart[row]!
    const frame = this.#frame
    if (frame && at >= frame.rawStart && at < frame.rawStart + frame.rawLength) {
      if (this.#failure) throw this.#failure
      return 0
    }
    this.#frame = frameAt(this.#rows, at)
    this.#failure = undefined
    try {
      this.#bytes = this.#block.frame(this.#frame)
      return this.#bytes.length
    } catch (error) {
      this.#failure = error as Error
      throw error
    }
  }

  attributes(target: AttributeTarget): readonly Value[] {
    const ofGroup = target.resource || target.scope ? this.#ofGroup(target) : NONE
    if (!target.span) return ofGroup
    const values: Value[] = []
    collectValues(this.#bytes, ...this.#spanRange(), target.span, target.key, values)
    return ofGroup.length === 0 ? values : [...values, ...ofGroup]
  }

  /** Span.trace_state = 3. */
  traceState(): string {
    return this.#text(this.#spanRange(), [3])
  }

  /** Span.status = 15, Status.message = 2. */
  statusMessage(): string {
    return this.#text(this.#spanRange(), [15, 2])
  }

  /** ScopeSpans.scope = 1, InstrumentationScope.name = 1, .version = 2. */
  scopeName(): string {
    return this.#text(this.#groupRange(2), [1, 1])
  }

  scopeVersion(): string {
    return this.#text(this.#groupRange(2), [1, 2])
  }

  #ofGroup(target: AttributeTarget): Value[] {
    let groups = this.#groups.get(target)
    if (!groups) this.#groups.set(target, (groups = new Map()))
    const group = this.#rows.group[this.#row]!
    let values = groups.get(group)
    if (!values) {
      values = []
      if (target.resource) collectValues(this.#bytes, ...this.#groupRange(0), RESOURCE_PLACE, target.key, values)
      if (target.scope) collectValues(this.#bytes, ...this.#groupRange(2), SCOPE_PLACE, target.key, values)
      groups.set(group, values)
    }
    return values
  }

  #text(range: readonly [number, number], path: readonly number[]): string {
    return textAt(this.#bytes, ...range, path)
  }

  #spanRange(): readonly [number, number] {
    const base = this.#frame!.rawStart
    return [this.#rows.spanStart[this.#row]! - base, this.#rows.spanEnd[this.#row]! - base]
  }

  #groupRange(at: 0 | 2): readonly [number, number] {
    const base = this.#frame!.rawStart
    const i = 4 * this.#rows.group[this.#row]! + at
    return [this.#rows.groups[i]! - base, this.#rows.groups[i + 1]! - base]
  }
}

/** The frame that holds a raw offset of the block. */
export function frameAt(rows: BlockRows, offset: number): Frame {
  let low = 0
  let high = rows.frames.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (rows.frames[middle]!.rawStart <= offset) low = middle
    else high = middle - 1
  }
  return rows.frames[low]!
}
