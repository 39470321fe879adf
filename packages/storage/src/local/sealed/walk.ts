import { ANY, LEVEL, ROLE, type LevelNumber } from './column.ts'
import type { Columns } from './columns.ts'
import type { Entries } from './entries.ts'
import { grown } from './entries.ts'
import { LevelRows } from './level-rows.ts'
import { OP, rootOf, type Templates } from './template.ts'

/** What is done with a field, by its tag. */
const DO = {
  other: 0,
  attribute: 1,
  /** As `other`, but one of each message at most. */
  once: 2,
  /** A varint that says little, and is the same in all messages that are made alike. */
  literal: 3,
  nest: 4,
  run: 5,
  traceId: 6,
  spanId: 7,
  parentId: 8,
  name: 9,
  start: 10,
  end: 11,
} as const

type Schema = Uint8Array

/** Field numbers: opentelemetry-proto trace/v1/trace.proto. */
const SPAN = schema({
  0x0a: DO.traceId,
  0x12: DO.spanId,
  0x1a: DO.once,
  0x22: DO.parentId,
  0x2a: DO.name,
  0x30: DO.literal,
  0x39: DO.start,
  0x41: DO.end,
  0x4a: DO.attribute,
  0x5a: DO.run,
  0x6a: DO.run,
  0x7a: DO.nest,
})
const STATUS = schema({ 0x12: DO.once, 0x18: DO.literal })
const EVENT = schema({ 0x09: DO.start, 0x12: DO.once, 0x1a: DO.attribute })
const LINK = schema({ 0x0a: DO.traceId, 0x12: DO.once, 0x22: DO.attribute })
const RESOURCE_SPANS = schema({ 0x0a: DO.nest })
const RESOURCE = schema({ 0x0a: DO.attribute })
const SCOPE_SPANS = schema({ 0x0a: DO.nest })
const SCOPE = schema({ 0x0a: DO.once, 0x12: DO.once, 0x1a: DO.attribute })

const SCHEMAS: readonly Schema[] = [SPAN, EVENT, LINK, RESOURCE_SPANS, SCOPE_SPANS]
const NESTED: readonly (Schema | undefined)[] = [STATUS, undefined, undefined, RESOURCE, SCOPE]

/** Span.flags = 16, fixed32. */
const FLAGS = 0x85
const EVENTS = 0x5a
/** Values of one message, beyond which it is kept as it came. */
const MAX_SLOTS = 1 << 12
const NOWHERE: Uint8Array = new Uint8Array()

/**
 * Takes messages apart: into a template, which has what is alike, and the values in its holes. What is not written as encoders write it
 * (a longer varint than need be, a field twice, ids of a wrong length) is kept whole.
 */
export class Walker {
  /** By level. */
  readonly rows: readonly LevelRows[] = SCHEMAS.map(() => new LevelRows())
  /** By event: the time in two halves. */
  eventTimeLo = new Uint32Array(64)
  eventTimeHi = new Uint32Array(64)
  readonly #entries: Entries
  readonly #bytes: Uint8Array
  readonly #columns: Columns
  readonly #templates: Templates
  readonly #runs: readonly [events: number, links: number]
  /** The byte after what was read last. */
  #next = 0
  #node = 0
  /** Where the span's trace id is; -1: it has not come yet. */
  #traceId = -1
  #timeLo = 0
  #timeHi = 0

  constructor(entries: Entries, columns: Columns, templates: Templates) {
    this.#entries = entries
    this.#bytes = entries.bytes
    this.#columns = columns
    this.#templates = templates
    this.#runs = [EVENTS, 0x6a].map((tag) =>
      templates.op(OP.run, tag, columns.number(LEVEL.span, ROLE.run, tag)),
    ) as [number, number]
  }

  /** Adds a row for the message in `[start, end)`, whole if `whole`. Returns false when it is kept as it came. */
  add(level: LevelNumber, start: number, end: number, whole = false): boolean {
    this.#traceId = -1
    const marks = this.rows.map(({ count, slotCount }) => [count, slotCount] as const)
    if (!whole && this.#row(level, start, end)) return true
    for (const [i, [count, slotCount]] of marks.entries()) this.rows[i]!.cut(count, slotCount)
    this.#node = rootOf(level)
    this.#value(level, this.#columns.number(level, ROLE.own), 0, start, end)
    this.rows[level]!.end(this.#node)
    return false
  }

  #row(level: LevelNumber, start: number, end: number): boolean {
    this.#node = rootOf(level)
    this.#timeLo = this.#timeHi = 0
    const rows = this.rows[level]!
    if (!this.#message(SCHEMAS[level]!, level, NOWHERE, start, end)) return false
    rows.end(this.#node)
    if (level === LEVEL.event) {
      if (rows.count > this.eventTimeLo.length) {
        this.eventTimeLo = grown(this.eventTimeLo, 2 * rows.count)
        this.eventTimeHi = grown(this.eventTimeHi, 2 * rows.count)
      }
      this.eventTimeLo[rows.count - 1] = this.#timeLo
      this.eventTimeHi[rows.count - 1] = this.#timeHi
    }
    return true
  }

  #message(schema: Schema, level: LevelNumber, place: Uint8Array, start: number, end: number): boolean {
    const bytes = this.#bytes
    const rows = this.rows[level]!
    let seen = 0
    let run = 0
    for (let p = start; p < end;) {
      let tag = bytes[p]!
      let from = p + 1
      if (tag > 127) {
        if (!this.#varint(p, end) || this.#next > p + 4) return false
        from = this.#next
        tag = 0
        for (let i = from - 1; i >= p; i--) tag = tag * 128 + (bytes[i]! & 127)
      }
      const action = schema[tag] ?? DO.other
      if (action !== DO.run) run = 0
      if (action > DO.attribute && action !== DO.run) {
        const bit = 1 << (tag >>> 3)
        if (seen & bit) return false
        seen |= bit
      }
      // oxlint-disable-next-line switch-exhaustiveness-check
      switch (tag & 7) {
        case 0: {
          if (!this.#varint(from, end)) return false
          const to = this.#next
          if (action === DO.literal) this.#literal(p, to)
          else this.#value(level, this.#columns.number(level, ROLE.varint, tag, place), tag, from, to)
          p = to
          break
        }
        case 1:
        case 5: {
          const to = from + (tag & 7 ? ((tag & 7) === 1 ? 8 : 4) : 0)
          if (to > end) return false
          if (action === DO.start || action === DO.end) {
            if (level === LEVEL.event) this.#time(from)
            this.#op(action === DO.start ? OP.start : OP.end, tag)
          } else if (tag === FLAGS && level === LEVEL.span) this.#literal(p, to)
          else this.#value(level, this.#columns.number(level, ROLE.fixed, tag, place), tag, from, to)
          p = to
          break
        }
        case 2: {
          let length = from < end ? bytes[from]! : 128
          let content = from + 1
          if (length > 127) {
            if (!this.#varint(from, end) || this.#next > from + 4) return false
            content = this.#next
            length = 0
            for (let i = content - 1; i >= from; i--) length = length * 128 + (bytes[i]! & 127)
          }
          const stop = content + length
          if (stop > end) return false
          if (!this.#field(action, level, place, tag, content, stop, run)) return false
          run = action === DO.run ? tag : 0
          p = stop
          break
        }
        default:
          return false
      }
      if (this.#node < 0) return false
    }
    return rows.slotCount - rows.first[rows.count]! <= MAX_SLOTS
  }

  /** A length-delimited field. `run`: the tag of the run that goes on. */
  #field(
    action: number,
    level: LevelNumber,
    place: Uint8Array,
    tag: number,
    start: number,
    end: number,
    run: number,
  ): boolean {
    switch (action) {
      case DO.attribute:
        this.#attribute(level, tag, start, end)
        return true
      case DO.traceId:
        if (end - start !== 16) return this.#empty(tag, start, end)
        if (level === LEVEL.span) this.#traceId = start
        else if (!this.#isTraceId(start)) {
          this.#value(level, this.#columns.number(level, ROLE.field, tag, place), tag, start, end)
          return true
        }
        this.#op(OP.traceId, tag)
        return true
      case DO.spanId:
      case DO.parentId:
        if (end - start !== 8) return this.#empty(tag, start, end)
        this.#op(action === DO.spanId ? OP.spanId : OP.parentId, tag)
        return true
      case DO.name:
        this.#op(OP.name, tag)
        return true
      case DO.nest: {
        this.#op(OP.open, tag)
        if (this.#node < 0 || !this.#message(NESTED[level]!, level, Uint8Array.of(tag), start, end)) return false
        this.#op(OP.close, tag)
        return true
      }
      case DO.run: {
        const rows = this.rows[level]!
        if (run === tag) rows.slots[rows.slotCount - 1]!++
        else {
          this.#node = this.#templates.step(this.#node, this.#runs[tag === EVENTS ? 0 : 1])
          rows.push(1)
        }
        const node = this.#node
        if (node < 0 || !this.#row(tag === EVENTS ? LEVEL.event : LEVEL.link, start, end)) return false
        this.#node = node
        return true
      }
      default:
        this.#value(level, this.#columns.number(level, ROLE.field, tag, place), tag, start, end)
        return true
    }
  }

  /** An id of no bytes, which is none. */
  #empty(tag: number, start: number, end: number): boolean {
    if (start !== end) return false
    this.#step(this.#templates.op(OP.bytes, tag, 0, Uint8Array.of(tag, 0)))
    return true
  }

  #attribute(level: LevelNumber, tag: number, start: number, end: number): void {
    const bytes = this.#bytes
    const keyEnd = start + 2 + bytes[start + 1]!
    let value = keyEnd + 2
    let valueLength = bytes[keyEnd + 1]!
    const isPlain = bytes[start] === 0x0a && bytes[start + 1]! < 128 && keyEnd + 1 < end && bytes[keyEnd] === 0x12
    if (isPlain && valueLength > 127 && this.#varint(keyEnd + 1, end) && this.#next < keyEnd + 6) {
      value = this.#next
      valueLength = 0
      for (let i = value - 1; i > keyEnd; i--) valueLength = valueLength * 128 + (bytes[i]! & 127)
    }
    if (!isPlain || value + valueLength !== end) {
      this.#value(level, this.#columns.number(level, ROLE.odd), tag, start, end)
      return
    }
    const type = this.#scalarType(value, end)
    const { expected, ops } = this.#expectation()
    if (expected >= 0) {
      const op = ops[expected]!
      const name = op.kind === OP.value ? this.#columns.names[op.column]! : undefined
      if (name?.role === ROLE.attribute && name.type === type && name.name.length === keyEnd - start - 2) {
        const key = name.name
        let i = 0
        while (i < key.length && key[i] === bytes[start + 2 + i]) i++
        if (i === key.length) {
          this.#step(expected)
          this.rows[level]!.push(this.#entries.add(op.column, value, end))
          return
        }
      }
    }
    const column = this.#columns.number(level, ROLE.attribute, type, bytes.subarray(start + 2, keyEnd))
    if (column < 0) this.#value(level, this.#columns.number(level, ROLE.odd), tag, start, end)
    else this.#value(level, column, tag, value, end)
  }

  #expectation(): { expected: number; ops: Templates['ops'] } {
    return { expected: this.#templates.expected(this.#node), ops: this.#templates.ops }
  }

  /** The tag of a scalar `AnyValue` in its canonical form; else 0. */
  #scalarType(start: number, end: number): number {
    const bytes = this.#bytes
    const tag = start < end ? bytes[start]! : 0
    switch (tag) {
      case ANY.string:
      case ANY.bytes: {
        const length = bytes[start + 1]!
        if (length < 128) return start + 2 + length === end ? tag : 0
        if (!this.#varint(start + 1, end) || this.#next > start + 5) return 0
        let long = 0
        for (let i = this.#next - 1; i > start; i--) long = long * 128 + (bytes[i]! & 127)
        return this.#next + long === end ? tag : 0
      }
      case ANY.bool:
        return end - start === 2 && bytes[start + 1]! < 2 ? tag : 0
      case ANY.int:
        return this.#varint(start + 1, end) && this.#next === end ? tag : 0
      case ANY.double:
        return end - start === 9 ? tag : 0
      default:
        return 0
    }
  }

  /** Whether a varint of at most 64 bits, no longer than need be, is at `p`; {@link #next} is then the byte after it. */
  #varint(p: number, end: number): boolean {
    const bytes = this.#bytes
    for (let i = p; i < end && i < p + 10; i++) {
      if (bytes[i]! > 127) continue
      this.#next = i + 1
      return i === p || (bytes[i] !== 0 && (i < p + 9 || bytes[i] === 1))
    }
    return false
  }

  #value(level: LevelNumber, column: number, tag: number, start: number, end: number): void {
    if (column < 0) {
      this.#node = -1
      return
    }
    this.#step(this.#templates.op(OP.value, tag, column))
    this.rows[level]!.push(this.#entries.add(column, start, end))
  }

  #literal(start: number, end: number): void {
    const bytes = this.#bytes
    const { expected, ops } = this.#expectation()
    if (expected >= 0 && ops[expected]!.kind === OP.bytes) {
      const literal = ops[expected]!.bytes
      let i = 0
      while (i < literal.length && literal[i] === bytes[start + i]) i++
      if (i === literal.length && i === end - start) return this.#step(expected)
    }
    this.#step(this.#templates.op(OP.bytes, 0, 0, bytes.slice(start, end)))
  }

  #op(kind: (typeof OP)[keyof typeof OP], tag: number): void {
    const { expected, ops } = this.#expectation()
    if (expected >= 0 && ops[expected]!.kind === kind && ops[expected]!.tag === tag) return this.#step(expected)
    this.#step(this.#templates.op(kind, tag))
  }

  #step(op: number): void {
    if (this.#node >= 0) this.#node = this.#templates.step(this.#node, op)
  }

  #time(at: number): void {
    const { view } = this.#entries
    this.#timeLo = view.getUint32(at, true)
    this.#timeHi = view.getUint32(at + 4, true)
  }

  #isTraceId(at: number): boolean {
    if (this.#traceId < 0) return false
    for (let i = 0; i < 16; i++) if (this.#bytes[at + i] !== this.#bytes[this.#traceId + i]) return false
    return true
  }
}

function schema(actions: Readonly<Record<number, number>>): Schema {
  const table = new Uint8Array(128)
  for (const [tag, action] of Object.entries(actions)) table[Number(tag)] = action
  return table
}
