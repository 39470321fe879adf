import type { SpanColumns } from '@spoor/otlp'
import { ANY, LEVEL, ROLE, type LevelNumber, type Role } from './column.ts'
import type { Columns } from './columns.ts'
import type { Entries } from './entries.ts'
import { grown } from './entries.ts'
import { flattened, LevelRows, reordered } from './level-rows.ts'
import { MAX_NODES, MAX_TRIES, OP, rootOf, type OpKind, type Templates } from './template.ts'

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
const LINKS = 0x6a
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
  /** By node: the value that the last message had there. */
  readonly #lastEntry = new Int32Array(MAX_NODES).fill(-1)
  /** Where the span's trace id is; -1: it has not come yet. */
  #traceId = -1
  #timeLo = 0
  #timeHi = 0

  constructor(entries: Entries, columns: Columns, templates: Templates) {
    this.#entries = entries
    this.#bytes = entries.bytes
    this.#columns = columns
    this.#templates = templates
    this.#runs = [EVENTS, LINKS].map((tag) =>
      templates.number(OP.run, tag, columns.number(LEVEL.span, ROLE.run, tag)),
    ) as [number, number]
    // There must be room for these when there is for nothing else.
    for (const level of [LEVEL.span, LEVEL.event, LEVEL.link, LEVEL.resource, LEVEL.scope]) {
      columns.number(level, ROLE.odd)
      const own = columns.number(level, ROLE.own)
      templates.step(rootOf(level), templates.number(OP.value, 0, own))
    }
  }

  /**
   * Puts spans in another order: what comes at a place came as which, and with them their events and links, which `ends` has the ends of as the spans came.
   * Returns these ends by place.
   */
  reorder(
    cameAs: Uint32Array,
    ends: { readonly [LEVEL.event]: Uint32Array; readonly [LEVEL.link]: Uint32Array },
  ): { readonly [LEVEL.event]: Uint32Array; readonly [LEVEL.link]: Uint32Array } {
    this.rows[LEVEL.span]!.reorder(cameAs)
    const events = flattened(cameAs, ends[LEVEL.event])
    const links = flattened(cameAs, ends[LEVEL.link])
    this.rows[LEVEL.event]!.reorder(events.cameAs)
    this.rows[LEVEL.link]!.reorder(links.cameAs)
    this.eventTimeLo = reordered(this.eventTimeLo, events.cameAs)
    this.eventTimeHi = reordered(this.eventTimeHi, events.cameAs)
    return { [LEVEL.event]: events.ends, [LEVEL.link]: links.ends }
  }

  /**
   * Adds the spans `[from, to)` of `rows`, whole if `whole`; where each will be `places` has by span. Puts how many events and links there are up to and with
   * each.
   */
  addSpans(
    { spanStart, spanEnd }: SpanColumns,
    rows: Uint32Array,
    places: Uint32Array,
    from: number,
    to: number,
    whole: boolean,
    events: Uint32Array,
    links: Uint32Array,
  ): void {
    const entries = this.#entries
    const eventRows = this.rows[LEVEL.event]!
    const linkRows = this.rows[LEVEL.link]!
    for (let i = from; i < to; i++) {
      const row = rows[i]!
      // Values are told apart by it later, those of neighbours lie together.
      entries.place = places[row]!
      this.add(LEVEL.span, spanStart[row]!, spanEnd[row]!, whole)
      events[i] = eventRows.count
      links[i] = linkRows.count
    }
  }

  /** Adds a row for the message in `[start, end)`, whole if `whole`. Returns false when it is kept as it came. */
  add(level: LevelNumber, start: number, end: number, whole = false): boolean {
    this.#traceId = -1
    const rows = this.rows[level]!
    const events = this.rows[LEVEL.event]!
    const links = this.rows[LEVEL.link]!
    const rowCount = rows.count
    const eventCount = events.count
    const linkCount = links.count
    if (!whole && this.#row(level, start, end)) return true
    rows.cut(rowCount)
    events.cut(eventCount)
    links.cut(linkCount)
    this.#node = rootOf(level)
    this.#value(level, ROLE.own, 0, NOWHERE, start, end)
    rows.end(this.#node)
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
          else this.#value(level, ROLE.varint, tag, place, from, to)
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
          else this.#value(level, ROLE.fixed, tag, place, from, to)
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
          this.#value(level, ROLE.field, tag, place, start, end)
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
        this.#value(level, ROLE.field, tag, place, start, end)
        return true
    }
  }

  /** An id of no bytes, which is none. */
  #empty(tag: number, start: number, end: number): boolean {
    if (start !== end) return false
    this.#literalOp(Uint8Array.of(tag, 0))
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
      this.#value(level, ROLE.odd, tag, NOWHERE, start, end)
      return
    }
    const type = this.#scalarType(value, end)
    const { child, sibling, op, ops } = this.#templates
    for (
      let at = child[this.#node]!, before = -1, tries = 0;
      at >= 0 && tries < MAX_TRIES;
      at = sibling[at]!, tries++
    ) {
      const { kind, column } = ops[op[at]!]!
      if (kind === OP.value && this.#isAttribute(column, type, start + 2, keyEnd)) {
        this.#node = this.#templates.take(this.#node, before, at)
        this.#take(level, column, value, end)
        return
      }
      before = at
    }
    const column = this.#columns.number(level, ROLE.attribute, type, bytes.subarray(start + 2, keyEnd))
    if (column < 0) this.#value(level, ROLE.odd, tag, NOWHERE, start, end)
    else this.#takeNew(level, tag, column, value, end)
  }

  #isAttribute(column: number, type: number, start: number, end: number): boolean {
    const { role, type: ownType, name } = this.#columns.names[column]!
    if (role !== ROLE.attribute || ownType !== type || name.length !== end - start) return false
    const { view } = this.#entries
    const own = this.#columns.views[column]!
    let i = 0
    for (; i + 4 <= name.length; i += 4) if (own.getInt32(i, true) !== view.getInt32(start + i, true)) return false
    for (; i < name.length; i++) if (own.getUint8(i) !== view.getUint8(start + i)) return false
    return true
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

  /** A value of a field, or a message, as a whole. */
  #value(level: LevelNumber, role: Role, tag: number, place: Uint8Array, start: number, end: number): void {
    const { child, sibling, op, ops } = this.#templates
    for (
      let at = child[this.#node]!, before = -1, tries = 0;
      at >= 0 && tries < MAX_TRIES;
      at = sibling[at]!, tries++
    ) {
      const one = ops[op[at]!]!
      if (one.kind === OP.value && one.tag === tag && this.#columns.names[one.column]!.role === role) {
        this.#node = this.#templates.take(this.#node, before, at)
        this.#take(level, one.column, start, end)
        return
      }
      before = at
    }
    const column = this.#columns.number(level, role, role === ROLE.odd ? 0 : tag, place)
    if (column < 0) this.#node = -1
    else this.#takeNew(level, tag, column, start, end)
  }

  #takeNew(level: LevelNumber, tag: number, column: number, start: number, end: number): void {
    this.#step(this.#templates.number(OP.value, tag, column))
    if (this.#node >= 0) this.#take(level, column, start, end)
  }

  /** The value of the node that was come to. */
  #take(level: LevelNumber, column: number, start: number, end: number): void {
    const last = this.#lastEntry[this.#node]!
    const entry = last >= 0 && this.#entries.repeats(last, start, end) ? last : this.#entries.add(column, start, end)
    this.#lastEntry[this.#node] = entry
    this.rows[level]!.push(entry)
  }

  #literal(start: number, end: number): void {
    const bytes = this.#bytes
    const { child, sibling, op, ops } = this.#templates
    for (
      let at = child[this.#node]!, before = -1, tries = 0;
      at >= 0 && tries < MAX_TRIES;
      at = sibling[at]!, tries++
    ) {
      const { kind, bytes: literal } = ops[op[at]!]!
      if (kind === OP.bytes && literal.length === end - start) {
        let i = 0
        while (i < literal.length && literal[i] === bytes[start + i]) i++
        if (i === literal.length) {
          this.#node = this.#templates.take(this.#node, before, at)
          return
        }
      }
      before = at
    }
    this.#literalOp(bytes.slice(start, end))
  }

  #literalOp(literal: Uint8Array): void {
    if (this.#templates.nodes === MAX_NODES) this.#node = -1
    else this.#step(this.#templates.number(OP.bytes, 0, 0, literal))
  }

  #op(kind: OpKind, tag: number): void {
    const { child, sibling, op, ops } = this.#templates
    for (
      let at = child[this.#node]!, before = -1, tries = 0;
      at >= 0 && tries < MAX_TRIES;
      at = sibling[at]!, tries++
    ) {
      const one = ops[op[at]!]!
      if (one.kind === kind && one.tag === tag) {
        this.#node = this.#templates.take(this.#node, before, at)
        return
      }
      before = at
    }
    this.#step(this.#templates.number(kind, tag))
  }

  #step(op: number): void {
    this.#node = this.#templates.step(this.#node, op)
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
