import { readAttribute, valueOf, decodeText, type Value } from './attribute.ts'
import type { Block } from './catalog.ts'
import type { Level, Target } from '../contract.ts'
import type { BlockRows, Frame } from './rows.ts'
import { cursor, nextField } from './wire.ts'

/** Field numbers of opentelemetry-proto trace.proto and common.proto. */
const RESOURCE_ATTRIBUTES = [1, 1]
const SCOPE_ATTRIBUTES = [1, 3]
const SPAN_ATTRIBUTES = [9]
const EVENT_ATTRIBUTES = [11, 3]
const LINK_ATTRIBUTES = [13, 4]

const encoder = new TextEncoder()

/** An attribute target made ready: where to look, and for which key. */
export interface AttributeTarget {
  readonly key: Uint8Array
  readonly levels: readonly Level[]
}

export function attributeTarget(target: Extract<Target, { attribute: string }>): AttributeTarget {
  const level = target.level ?? 'any'
  return {
    key: encoder.encode(target.attribute),
    levels: level === 'any' ? ['span', 'event', 'resource', 'scope'] : [level],
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
  #frame: Frame | undefined
  #bytes: Uint8Array = new Uint8Array()
  readonly #groups = new Map<AttributeTarget, Map<number, Value[]>>()

  constructor(block: Block, rows: BlockRows) {
    this.#block = block
    this.#rows = rows
  }

  get row(): number {
    return this.#row
  }

  /** Rows should come in ascending order: each frame is then inflated once. */
  moveTo(row: number): void {
    this.#row = row
    const at = this.#rows.spanStart[row]!
    const frame = this.#frame
    if (!frame || at < frame.rawStart || at >= frame.rawStart + frame.rawLength) {
      this.#frame = undefined
      const next = frameAt(this.#rows, at)
      this.#bytes = this.#block.frame(next)
      this.#frame = next
    }
  }

  attributes(target: AttributeTarget): Value[] {
    const values: Value[] = []
    for (const level of target.levels) {
      switch (level) {
        case 'span':
          this.#collect(target.key, SPAN_ATTRIBUTES, values)
          break
        case 'event':
          this.#collect(target.key, EVENT_ATTRIBUTES, values)
          break
        case 'link':
          this.#collect(target.key, LINK_ATTRIBUTES, values)
          break
        default:
          break
      }
    }
    if (target.levels.includes('resource') || target.levels.includes('scope')) values.push(...this.#ofGroup(target))
    return values
  }

  /** The span's own text field: 3 trace_state; or with 15, the status message. */
  traceState(): string {
    return this.#text(this.#spanRange(), [3])
  }

  statusMessage(): string {
    return this.#text(this.#spanRange(), [15, 2])
  }

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
      if (target.levels.includes('resource'))
        collect(this.#bytes, this.#groupRange(0), RESOURCE_ATTRIBUTES, target.key, values)
      if (target.levels.includes('scope'))
        collect(this.#bytes, this.#groupRange(2), SCOPE_ATTRIBUTES, target.key, values)
      groups.set(group, values)
    }
    return values
  }

  #collect(key: Uint8Array, path: readonly number[], values: Value[]): void {
    collect(this.#bytes, this.#spanRange(), path, key, values)
  }

  #text(range: readonly [number, number], path: readonly number[]): string {
    let text = ''
    walk(this.#bytes, range[0], range[1], path, 0, (start, end) => {
      text = decodeText(this.#bytes, start, end)
    })
    return text
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

function collect(
  bytes: Uint8Array,
  range: readonly [number, number],
  path: readonly number[],
  key: Uint8Array,
  values: Value[],
): void {
  walk(bytes, range[0], range[1], path, 0, (start, end) => {
    if (!hasKey(bytes, start, end, key)) return
    const attribute = readAttribute(bytes, start, end)
    if (attribute) values.push(valueOf(attribute.value))
  })
}

/** Visits the length-delimited fields that `path` leads to. */
function walk(
  bytes: Uint8Array,
  start: number,
  end: number,
  path: readonly number[],
  depth: number,
  visit: (start: number, end: number) => void,
): void {
  const at = cursor(start, end)
  const wanted = path[depth]
  const last = depth === path.length - 1
  while (nextField(bytes, at)) {
    if (at.field !== wanted || at.wire !== 2) continue
    if (last) visit(at.start, at.stop)
    else walk(bytes, at.start, at.stop, path, depth + 1, visit)
  }
}

function hasKey(bytes: Uint8Array, start: number, end: number, key: Uint8Array): boolean {
  const at = cursor(start, end)
  let found = key.length === 0
  while (nextField(bytes, at)) {
    if (at.field !== 1 || at.wire !== 2) continue
    found = at.stop - at.start === key.length
    for (let i = 0; found && i < key.length; i++) found = bytes[at.start + i] === key[i]
    // Nearly always the key is the first field and comes once; a repeated one would win as the last.
    if (found || bytes[at.stop] === 0x12) return found
  }
  return found
}
