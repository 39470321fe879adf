/** Writes what clients of Jaeger write: batches in both forms of Thrift and in protobuf, from one description. */
import { hexToBytes } from '@spoor/otlp'

/** Numbers of 64 bits are texts. Type: of Jaeger's JSON, and a number for one that there is not. */
export type Tag = readonly [
  key: string,
  type: 'string' | 'double' | 'bool' | 'int64' | 'binary' | number,
  value?: unknown,
]

export interface Process {
  readonly serviceName: string
  readonly tags?: readonly Tag[]
}

export interface BatchSpan {
  /** Hex, of 16 or 32 digits. */
  readonly traceId?: string
  readonly spanId?: string
  /** Thrift only. */
  readonly parentSpanId?: string
  readonly name?: string
  readonly references?: readonly { readonly follows?: boolean; readonly traceId: string; readonly spanId: string }[]
  /** Default: 1, sampled. */
  readonly flags?: number
  /** Microseconds; nanoseconds that come to them, in protobuf only. */
  readonly start?: string
  readonly startNs?: number
  readonly duration?: string
  readonly tags?: readonly Tag[]
  readonly logs?: readonly { readonly time: string; readonly fields: readonly Tag[] }[]
  /** Protobuf only. */
  readonly process?: Process
}

export interface Batch {
  readonly process?: Process
  readonly spans: readonly BatchSpan[]
}

type Kind = 'i32' | 'i64' | 'double' | 'bool' | 'bytes' | 'struct' | 'list'
type Value =
  | readonly ['i32', number]
  | readonly ['i64', bigint]
  | readonly ['double', number]
  | readonly ['bool', boolean]
  | readonly ['bytes', Uint8Array]
  | readonly ['struct', readonly Field[]]
  | readonly ['list', Kind, readonly Value[]]
type Field = readonly [number: number, value: Value | undefined]

const text = (value: string): Value => ['bytes', Buffer.from(value)]
const struct = (...fields: readonly Field[]): Value => ['struct', fields]
const structs = <T>(items: readonly T[] | undefined, of: (item: T) => Value): Value | undefined =>
  items && ['list', 'struct', items.map(of)]
const long = (value: bigint | string): Value => ['i64', BigInt.asIntN(64, BigInt(value))]

const THRIFT_TYPES: readonly unknown[] = ['string', 'double', 'bool', 'int64', 'binary']
const PROTO_TYPES: readonly unknown[] = ['string', 'bool', 'int64', 'double', 'binary']

function tagValue(type: Tag[1], value: unknown): Value | undefined {
  if (type === 'string') return text(String(value))
  if (type === 'double') return ['double', Number(value)]
  if (type === 'bool') return ['bool', value === true]
  if (type === 'int64') return long(String(value))
  return type === 'binary' ? ['bytes', Buffer.from(String(value), 'base64')] : undefined
}

const numberOf = (types: readonly unknown[], type: Tag[1]): number =>
  typeof type === 'number' ? type : types.indexOf(type)

function thriftTag([key, type, value]: Tag): Value {
  const number = numberOf(THRIFT_TYPES, type)
  return struct([1, text(key)], [2, ['i32', number]], [3 + number, tagValue(type, value)])
}

const thriftProcess = ({ serviceName, tags }: Process): Value =>
  struct([1, text(serviceName)], [2, structs(tags, thriftTag)])

const half = (id: string, part: 'high' | 'low'): Value => {
  const whole = BigInt(`0x${id || '0'}`)
  return long(part === 'high' ? whole >> 64n : BigInt.asUintN(64, whole))
}

const thriftSpan = (span: BatchSpan): Value =>
  struct(
    [1, half(span.traceId ?? '', 'low')],
    [2, half(span.traceId ?? '', 'high')],
    [3, half(span.spanId ?? '', 'low')],
    [4, half(span.parentSpanId ?? '', 'low')],
    [5, text(span.name ?? '')],
    [
      6,
      structs(span.references, ({ follows = false, traceId, spanId }) =>
        struct(
          [1, ['i32', Number(follows)]],
          [2, half(traceId, 'low')],
          [3, half(traceId, 'high')],
          [4, half(spanId, 'low')],
        ),
      ),
    ],
    [7, ['i32', span.flags ?? 1]],
    [8, long(span.start ?? '0')],
    [9, long(span.duration ?? '0')],
    [10, structs(span.tags, thriftTag)],
    [11, structs(span.logs, ({ time, fields }) => struct([1, long(time)], [2, structs(fields, thriftTag)]))],
    [12, ['bool', false]],
  )

const thriftBatch = ({ process, spans }: Batch): Value =>
  struct([1, process && thriftProcess(process)], [2, structs(spans, thriftSpan)])

const protoTag = ([key, type, value]: Tag): Value => {
  const number = numberOf(PROTO_TYPES, type)
  return struct([1, text(key)], [2, ['i32', number]], [3 + number, tagValue(type, value)])
}

const protoProcess = ({ serviceName, tags }: Process): Value =>
  struct([1, text(serviceName)], [2, structs(tags, protoTag)])

const protoId = (hex: string | undefined): Value | undefined =>
  hex === undefined ? undefined : ['bytes', hexToBytes(hex)]

const time = (microseconds: string, ns = 0): Value => {
  const all = BigInt(microseconds) * 1000n + BigInt(ns)
  return struct([1, ['i64', all / 1_000_000_000n]], [2, ['i32', Number(all % 1_000_000_000n)]])
}

const protoSpan = (span: BatchSpan): Value =>
  struct(
    [1, protoId(span.traceId)],
    [2, protoId(span.spanId)],
    [3, text(span.name ?? '')],
    [
      4,
      structs(span.references, ({ follows = false, traceId, spanId }) =>
        struct([1, protoId(traceId)], [2, protoId(spanId)], [3, ['i32', Number(follows)]]),
      ),
    ],
    [5, ['i32', span.flags ?? 1]],
    [6, time(span.start ?? '0', span.startNs)],
    [7, time(span.duration ?? '0')],
    [8, structs(span.tags, protoTag)],
    [9, structs(span.logs, ({ time: at, fields }) => struct([1, time(at)], [2, structs(fields, protoTag)]))],
    [10, span.process && protoProcess(span.process)],
  )

/** The body of a request, as `application/x-thrift`. */
export const binaryBatch = (batch: Batch): Buffer => binary(thriftBatch(batch))

/** Datagrams; `name`: what is called. */
export function binaryCall(batch: Batch, name = 'emitBatch'): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(0x80010004 | 0)
  head.writeInt32BE(name.length, 4)
  return Buffer.concat([head, Buffer.from(name), Buffer.alloc(4), binary(struct([1, thriftBatch(batch)]))])
}

/** The same as it was written before calls had a version. */
export function oldBinaryCall(batch: Batch, name = 'emitBatch'): Buffer {
  const length = Buffer.alloc(4)
  length.writeInt32BE(name.length)
  const rest = Buffer.of(4, 0, 0, 0, 0)
  return Buffer.concat([length, Buffer.from(name), rest, binary(struct([1, thriftBatch(batch)]))])
}

export function compactCall(batch: Batch, name = 'emitBatch'): Buffer {
  const head = Buffer.from([0x82, (4 << 5) | 1, 0, name.length, ...Buffer.from(name)])
  return Buffer.concat([head, compact(struct([1, thriftBatch(batch)]))])
}

/** A `PostSpansRequest`. */
export const protoRequest = ({ process, spans }: Batch): Buffer =>
  proto(struct([1, struct([1, structs(spans, protoSpan)], [2, process && protoProcess(process)])]))

const present = (fields: readonly Field[]): [number, Value][] =>
  fields.flatMap(([number, value]) => (value ? [[number, value] as [number, Value]] : []))

const BINARY: Readonly<Record<Kind, number>> = { bool: 2, double: 4, i32: 8, i64: 10, bytes: 11, struct: 12, list: 15 }

function binary(value: Value): Buffer {
  const number = (width: number, write: (buffer: Buffer) => void): Buffer => {
    const buffer = Buffer.alloc(width)
    write(buffer)
    return buffer
  }
  const i32 = (given: number): Buffer => number(4, (buffer) => buffer.writeInt32BE(given))
  switch (value[0]) {
    case 'i32':
      return i32(value[1])
    case 'i64':
      return number(8, (buffer) => buffer.writeBigInt64BE(value[1]))
    case 'double':
      return number(8, (buffer) => buffer.writeDoubleBE(value[1]))
    case 'bool':
      return Buffer.of(Number(value[1]))
    case 'bytes':
      return Buffer.concat([i32(value[1].length), value[1]])
    case 'list':
      return Buffer.concat([Buffer.of(BINARY[value[1]]), i32(value[2].length), ...value[2].map(binary)])
    default: {
      const fields = present(value[1]).flatMap(([id, inner]) => [
        Buffer.of(BINARY[inner[0]], id >> 8, id & 0xff),
        binary(inner),
      ])
      return Buffer.concat([...fields, Buffer.of(0)])
    }
  }
}

const COMPACT: Readonly<Record<Kind, number>> = { bool: 2, i32: 5, i64: 6, double: 7, bytes: 8, list: 9, struct: 12 }

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let left = BigInt.asUintN(64, value)
  for (; left >= 0x80n; left >>= 7n) bytes.push(Number(left & 0x7fn) | 0x80)
  return Buffer.from([...bytes, Number(left)])
}

const zigzag = (value: bigint): Buffer => varint((value << 1n) ^ (value >> 63n))

function compact(value: Value): Buffer {
  switch (value[0]) {
    case 'i32':
      return zigzag(BigInt(value[1]))
    case 'i64':
      return zigzag(value[1])
    case 'double': {
      const buffer = Buffer.alloc(8)
      buffer.writeDoubleLE(value[1])
      return buffer
    }
    case 'bool':
      return Buffer.of(value[1] ? 1 : 2)
    case 'bytes':
      return Buffer.concat([varint(BigInt(value[1].length)), value[1]])
    case 'list': {
      const { length } = value[2]
      const type = COMPACT[value[1]]
      const head =
        length < 15 ? Buffer.of((length << 4) | type) : Buffer.concat([Buffer.of(0xf0 | type), varint(BigInt(length))])
      return Buffer.concat([head, ...value[2].map(compact)])
    }
    default: {
      let last = 0
      const fields = present(value[1]).flatMap(([id, inner]) => {
        const type = inner[0] === 'bool' && inner[1] ? 1 : COMPACT[inner[0]]
        const above = id - last
        last = id
        const head = above <= 15 ? Buffer.of((above << 4) | type) : Buffer.concat([Buffer.of(type), zigzag(BigInt(id))])
        return inner[0] === 'bool' ? [head] : [head, compact(inner)]
      })
      return Buffer.concat([...fields, Buffer.of(0)])
    }
  }
}

function proto(value: Value): Buffer {
  if (value[0] !== 'struct') throw new Error('a message is a struct')
  return Buffer.concat(
    present(value[1]).flatMap(([number, inner]) =>
      (inner[0] === 'list' ? inner[2] : [inner]).flatMap((one) => protoField(number, one)),
    ),
  )
}

function protoField(number: number, value: Value): Buffer[] {
  const key = (wire: number): Buffer => varint(BigInt(number * 8 + wire))
  const framed = (bytes: Uint8Array): Buffer[] => [key(2), varint(BigInt(bytes.length)), Buffer.from(bytes)]
  switch (value[0]) {
    case 'bytes':
      return framed(value[1])
    case 'struct':
      return framed(proto(value))
    case 'double': {
      const buffer = Buffer.alloc(8)
      buffer.writeDoubleLE(value[1])
      return [key(1), buffer]
    }
    default:
      return [key(0), varint(BigInt(value[1]))]
  }
}
