/**
 * The same message in other bytes: fields in another order, unknown fields between them, scalars that come twice (the
 * last counts), messages in two pieces (to be merged), tags and lengths as longer varints than they need be. All of
 * that is valid protobuf, and none of our encoders or protobufjs writes it.
 */
import protobuf from 'protobufjs'
import { messageTypeOf } from './oracle.test.helper.ts'

export type Random = (below: number) => number

/** Repeatable random integers from 0 to `below` - 1 (mulberry32). */
export function createRandom(seed: number): Random {
  let state = seed | 0
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below)
  }
}

interface RawField {
  readonly number: number
  readonly wireType: number
  /** The value's bytes; of a length-delimited field without the length. */
  readonly value: Uint8Array
}

export function scramble(type: string, bytes: Uint8Array, random: Random): Uint8Array {
  const { fields } = messageTypeOf(type)
  const byNumber = new Map(Object.values(fields).map((field) => [field.id, field.resolve()]))
  let raw = parse(bytes)
  raw = raw.flatMap((item) => {
    const field = byNumber.get(item.number)!
    if (field.resolvedType instanceof protobuf.Type) return messagePieces(item, field, random)
    const decoy = { ...item, value: item.value.map((byte) => (byte < 128 ? byte ^ 1 : byte)) }
    return !field.repeated && !field.partOf && random(4) === 0 ? [decoy, item] : [item]
  })
  raw = shuffle(raw, random)
  const parts: number[] = []
  for (const item of raw) {
    if (random(3) === 0) write(parts, unknownField(random), random)
    write(parts, item, random)
  }
  if (random(3) === 0) write(parts, unknownField(random), random)
  return Uint8Array.from(parts)
}

/** A message field, its content scrambled, in one or two pieces. */
function messagePieces(item: RawField, field: protobuf.Field, random: Random): RawField[] {
  const content = (bytes: Uint8Array) => ({ ...item, value: scramble(field.resolvedType!.name, bytes, random) })
  if (field.repeated || field.partOf || random(2) === 0) return [content(item.value)]
  const inner = parse(item.value)
  const cut = random(inner.length + 1)
  return [inner.slice(0, cut), inner.slice(cut)].map((piece) => {
    const parts: number[] = []
    for (const innerItem of piece) write(parts, innerItem)
    return content(Uint8Array.from(parts))
  })
}

/** Mixes the fields, but fields of one number keep their order. */
function shuffle(raw: readonly RawField[], random: Random): RawField[] {
  const byNumber = Map.groupBy(raw, (item) => item.number)
  const order = raw.map((item) => item.number)
  for (let i = order.length - 1; i > 0; i--) {
    const j = random(i + 1)
    ;[order[i], order[j]] = [order[j]!, order[i]!]
  }
  return order.map((number) => byNumber.get(number)!.shift()!)
}

function unknownField(random: Random): RawField {
  const number = [29, 31, 32, 1000, 2 ** 29 - 1][random(5)]!
  const wireType = [0, 1, 2, 5][random(4)]!
  const length = wireType === 0 ? 1 : wireType === 1 ? 8 : wireType === 5 ? 4 : random(200)
  return { number, wireType, value: new Uint8Array(length).fill(random(128)) }
}

function parse(bytes: Uint8Array): RawField[] {
  const reader = protobuf.Reader.create(bytes)
  const raw: RawField[] = []
  while (reader.pos < reader.len) {
    const tag = reader.uint32()
    const wireType = tag & 7
    if (wireType === 2) raw.push({ number: tag >>> 3, wireType, value: Uint8Array.from(reader.bytes()) })
    else {
      const start = reader.pos
      reader.skipType(wireType)
      raw.push({ number: tag >>> 3, wireType, value: bytes.slice(start, reader.pos) })
    }
  }
  return raw
}

function write(parts: number[], item: RawField, random?: Random): void {
  varint(parts, item.number * 8 + item.wireType, random)
  if (item.wireType === 2) varint(parts, item.value.length, random)
  for (const byte of item.value) parts.push(byte)
}

function varint(parts: number[], value: number, random?: Random): void {
  let rest = value
  while (rest > 127) {
    parts.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  if (random?.(6) !== 0) parts.push(rest)
  else {
    parts.push(rest | 128)
    for (let i = random(3); i > 0; i--) parts.push(128)
    parts.push(0)
  }
}
