/** The spans that are an end of a request: what is needed of each is found in its bytes, and what is in its attributes is read once for spans alike. */
import {
  AttributeFinder,
  createSpanColumns,
  decodeSpan,
  hexToBytes,
  scanSpans,
  type Chunk,
  type KeyValue,
  type SpanColumns,
} from '@spoor/otlp'
import { attributeOf, ByteTable, MAX_TABLE_BYTES, Origins } from '../../connector-helper/index.ts'
import { valueText } from '../../processor-helper/index.ts'
import type { ServiceGraphConfig } from './config.ts'
import type { EdgeKey } from './edges.ts'

const SERVER = 2
const CLIENT = 3
const PRODUCER = 4
const CONSUMER = 5
const ERROR = 2

interface Origin {
  readonly id: number
  readonly service: string
  readonly attributes: readonly KeyValue[]
}

/** What attributes say. */
export interface Facts {
  /** By their names. */
  readonly dimensions: readonly (readonly [name: string, value: string])[]
  readonly database: string | undefined
  readonly peer: string | undefined
}

/** One end of a request. The same object for all. */
export interface RequestEnd {
  readonly isClient: boolean
  /** Whether it is a message. */
  readonly isMessage: boolean
  readonly service: string
  /** Seconds. */
  readonly duration: number
  readonly failed: boolean
  readonly facts: Facts
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export class RequestEnds {
  readonly #config: ServiceGraphConfig
  readonly #columns = createSpanColumns()
  /** Of the attributes of spans that are asked for. */
  readonly #finder: AttributeFinder
  readonly #origins = new Origins<Origin>(
    ({ id, service, attributes }) => ({ id, service: valueText(service), attributes }),
    // What is known of spans is known by the numbers of their resources.
    () => this.#forgetFacts(),
  )
  readonly #facts: Facts[] = []
  readonly #factTable = new ByteTable()
  readonly #end: Writable<RequestEnd> = {
    isClient: false,
    isMessage: false,
    service: '',
    duration: 0,
    failed: false,
    facts: { dimensions: [], database: undefined, peer: undefined },
  }

  constructor(config: ServiceGraphConfig) {
    this.#config = config
    const { dimensions, database_name_attributes: databases, virtual_node_peer_attributes: peers } = config
    this.#finder = new AttributeFinder([...new Set([...dimensions, ...databases, ...peers])])
  }

  /** Those of resources that name a service. A consumer with links is one for each link. Throws {@link OtlpError}. */
  forEach({ bytes, items }: Chunk, visit: (at: EdgeKey, end: RequestEnd) => void): void {
    const columns = this.#columns
    columns.count = 0
    this.#finder.begin(items)
    scanSpans(bytes, columns, this.#finder)
    const ids = {
      trace: bufferOf(columns.traceId),
      span: bufferOf(columns.spanId),
      parent: bufferOf(columns.parentSpanId),
    }
    let resourceStart = -1
    let origin: Origin | undefined
    for (let row = 0; row < columns.count; row++) {
      if (columns.resourceStart[row] !== resourceStart) {
        resourceStart = columns.resourceStart[row]!
        origin = this.#origins.of(bytes, resourceStart, columns.resourceEnd[row]!)
      }
      const kind = columns.kind[row]!
      if (!origin || kind < SERVER || kind > CONSUMER) continue
      const isClient = kind === CLIENT || kind === PRODUCER
      const end = this.#end
      end.isClient = isClient
      end.isMessage = kind === PRODUCER || kind === CONSUMER
      end.service = origin.service
      end.duration = Math.max(0, columns.durationNs[row]!) / 1e9
      end.failed = columns.status[row] === ERROR
      end.facts = this.#factsOf(bytes, columns, row, origin)
      const trace = ids.trace.toString('latin1', 16 * row, 16 * row + 16)
      if (kind === CONSUMER && columns.linkCount[row]! > 0) {
        const own = trace + ids.span.toString('latin1', 8 * row, 8 * row + 8)
        for (const producer of linksOf(bytes, columns, row))
          visit({ key: own + producer, isRoot: false, producer }, end)
        continue
      }
      const other = (isClient ? ids.span : ids.parent).toString('latin1', 8 * row, 8 * row + 8)
      visit({ key: trace + other, isRoot: other === NO_SPAN }, end)
    }
  }

  #factsOf(bytes: Uint8Array, columns: SpanColumns, row: number, { id, attributes }: Origin): Facts {
    const table = this.#factTable
    table.begin()
    table.number(id)
    const { start, end, size } = this.#finder
    for (let at = row * size; at < (row + 1) * size; at++) {
      if (start[at]! < 0) table.number(-1)
      else table.range(bytes, start[at]!, end[at]!)
    }
    const known = table.find()
    if (known >= 0) return this.#facts[known]!
    if (table.byteLength > MAX_TABLE_BYTES) this.#forgetFacts()
    const span = decodeSpan(bytes, columns.spanStart[row], columns.spanEnd[row]).attributes
    const facts = this.#read(attributes, span)
    this.#facts[table.add()] = facts
    return facts
  }

  #read(resource: readonly KeyValue[], span: readonly KeyValue[]): Facts {
    const textOf = (name: string, ...lists: readonly (readonly KeyValue[])[]): string | undefined => {
      for (const attributes of lists) {
        const value = attributeOf(attributes, name)
        if (value) return valueText(value)
      }
      return undefined
    }
    const first = (names: readonly string[], ...lists: readonly (readonly KeyValue[])[]): string | undefined => {
      for (const name of names) {
        const value = textOf(name, ...lists)
        if (value !== undefined) return value
      }
      return undefined
    }
    const { dimensions, database_name_attributes: databases, virtual_node_peer_attributes: peers } = this.#config
    return {
      dimensions: dimensions.flatMap((name): [string, string][] => {
        const value = textOf(name, resource, span)
        return value === undefined ? [] : [[name, value]]
      }),
      database: first(databases, resource, span),
      peer: first(peers, span),
    }
  }

  #forgetFacts(): void {
    this.#factTable.clear()
    this.#facts.length = 0
  }
}

const NO_SPAN = '\0'.repeat(8)

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength)
}

/** The keys of the producers that a consumer names. */
function linksOf(bytes: Uint8Array, columns: SpanColumns, row: number): string[] {
  const { links } = decodeSpan(bytes, columns.spanStart[row], columns.spanEnd[row])
  return links.map(({ traceId, spanId }) =>
    Buffer.concat([idBytes(traceId, 16), idBytes(spanId, 8)]).toString('latin1'),
  )
}

function idBytes(hex: string, length: number): Uint8Array {
  return hex === '' ? new Uint8Array(length) : hexToBytes(hex)
}
