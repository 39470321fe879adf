/**
 * What a batch is as messages: by trace, by resource or whole, each with its topic and key, none larger than it may be. From bytes to bytes: no
 * span becomes an object.
 */
import {
  bytesToHex,
  createSpanColumns,
  editItems,
  extractItems,
  indexItems,
  joinBytes,
  requestToJson,
  resourceParts,
  scanSpans,
  spanExtractor,
  splitItems,
  countItems,
  type Chunk,
  type Resource,
  type Signal,
  type TelemetryBatch,
} from '@spoor/otlp'
import { createHash } from 'node:crypto'
import type { DeliveryContext } from '../../component/index.ts'
import type { KafkaExporterConfig } from './config.ts'

export interface OutMessage {
  readonly topic: string
  readonly key: Buffer | undefined
  readonly value: Uint8Array
  readonly items: number
}

export interface Messages {
  readonly messages: readonly OutMessage[]
  /** Items that no message can have, as each is larger than one may be by itself. */
  readonly oversize: { readonly items: number; readonly bytes: number }
}

/** A part that is to be one message, still protobuf. */
interface Part extends Chunk {
  readonly key?: Buffer | undefined
  readonly topic?: string | undefined
}

/** What a record and its batch have beside key, value and headers: 61 bytes of the batch's head, lengths and deltas. Bytes. */
export const RECORD_OVERHEAD = 100

/** `headerBytes`: of the headers that each message has. Throws {@link OtlpError}. */
export function messagesOf(
  batch: TelemetryBatch,
  config: KafkaExporterConfig,
  { metadata }: Pick<DeliveryContext, 'metadata'>,
  headerBytes = 0,
): Messages {
  const { signal } = batch
  const own = config[signal]
  const named = (key: string): string | undefined => (key === '' ? undefined : metadata.get(key)?.[0])
  const fixedTopic = named(own.topic_from_metadata_key)
  const metadataKey = named(own.message_key_from_metadata_key)
  const fixedKey = metadataKey === undefined || metadataKey === '' ? undefined : Buffer.from(metadataKey)
  const messages: OutMessage[] = []
  const oversize = { items: 0, bytes: 0 }
  for (const part of partsOf(batch, config, fixedTopic === undefined)) {
    const topic = fixedTopic ?? part.topic ?? own.topic
    const key = part.key ?? fixedKey
    const room = config.producer.max_message_bytes - RECORD_OVERHEAD - headerBytes - (key?.length ?? 0)
    const encode = own.encoding === 'otlp_json' ? jsonOf : (_: Signal, bytes: Uint8Array) => bytes
    for (const { value, items } of fitting(signal, part, Math.max(1, room), encode)) {
      if (value.length <= room) messages.push({ topic, key, value, items })
      else {
        oversize.items += items
        oversize.bytes = Math.max(oversize.bytes, value.length)
      }
    }
  }
  return { messages, oversize }
}

function partsOf(batch: TelemetryBatch, config: KafkaExporterConfig, isTopicOpen: boolean): Part[] {
  const { signal } = batch
  const bytes = joinBytes(batch.chunks.map((chunk) => chunk.bytes))
  const whole: Part = { bytes, items: batch.items }
  const attribute = isTopicOpen ? config.topic_from_attribute : ''
  const withTopic = (part: Part): Part =>
    attribute === ''
      ? part
      : {
          ...part,
          topic: topicIn(
            resourceParts(part.bytes).map(({ resource }) => resource),
            attribute,
          ),
        }
  if (signal === 'traces' && config.partition_traces_by_id) return byTrace(bytes).map(withTopic)
  if (signal === 'logs' && config.partition_logs_by_trace_id) return logsByTrace(bytes, batch.items).map(withTopic)
  const isKeyed =
    (signal === 'metrics' && config.partition_metrics_by_resource_attributes) ||
    (signal === 'logs' && config.partition_logs_by_resource_attributes)
  if (!isKeyed && attribute === '') return [whole]
  return resourceParts(bytes).map(({ resource, bytes: part }) => ({
    bytes: part,
    items: countItems(signal, part),
    key: isKeyed ? keyOf(resource) : undefined,
    topic: attribute === '' ? undefined : topicIn([resource], attribute),
  }))
}

function topicIn(resources: readonly Resource[], attribute: string): string | undefined {
  for (const { attributes } of resources) {
    const value = attributes.find(({ key }) => key === attribute)?.value
    if (value?.type === 'string' && value.value !== '') return value.value
  }
  return undefined
}

/** 16 bytes that are the same for the same attributes in whatever order. */
function keyOf({ attributes }: Resource): Buffer {
  const texts = attributes.map((attribute) =>
    JSON.stringify(attribute, (_, value: unknown) =>
      typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? bytesToHex(value) : value,
    ),
  )
  return createHash('sha256').update(texts.sort().join('\n')).digest().subarray(0, 16)
}

function byTrace(bytes: Uint8Array): Part[] {
  const columns = createSpanColumns()
  scanSpans(bytes, columns)
  const rows = new Map<string, number[]>()
  for (let row = 0; row < columns.count; row++) {
    const id = bytesToHex(columns.traceId.subarray(16 * row, 16 * row + 16))
    const own = rows.get(id)
    if (own) own.push(row)
    else rows.set(id, [row])
  }
  if (rows.size === 1) return [...rows].map(([id, own]) => ({ bytes, items: own.length, key: Buffer.from(id) }))
  const extract = spanExtractor(bytes, columns)
  return [...rows].map(([id, own]) => ({ bytes: extract(own), items: own.length, key: Buffer.from(id) }))
}

function logsByTrace(bytes: Uint8Array, items: number): Part[] {
  const rows = new Map<string, number[]>()
  let row = 0
  editItems('logs', bytes, items, {
    item: ({ traceId }) => {
      const id = traceId
      const own = rows.get(id)
      if (own) own.push(row++)
      else rows.set(id, [row++])
    },
  })
  const index = indexItems('logs', bytes, items)
  return [...rows].map(([id, own]) => ({
    bytes: rows.size === 1 ? bytes : extractItems(bytes, own, index),
    items: own.length,
    key: /^0*$/.test(id) ? undefined : Buffer.from(id),
  }))
}

type Encode = (signal: Signal, bytes: Uint8Array) => Uint8Array

function jsonOf(signal: Signal, bytes: Uint8Array): Uint8Array {
  return Buffer.from(JSON.stringify(requestToJson(signal, bytes)))
}

/** The part as values of at most `room` bytes; one that is larger has a single item. */
function fitting(
  signal: Signal,
  part: Chunk,
  room: number,
  encode: Encode,
): { readonly value: Uint8Array; readonly items: number }[] {
  const value = encode(signal, part.bytes)
  if (value.length <= room || part.items < 2) return [{ value, items: part.items }]
  // As JSON is larger than what it is of, the bound on that is less in the same measure.
  const maxBytes = Math.max(1, Math.floor((room * part.bytes.length) / value.length))
  const parts = splitItems(signal, part.bytes, { maxBytes })
  const smaller = parts.length > 1 ? parts : splitItems(signal, part.bytes, { maxItems: Math.ceil(part.items / 2) })
  return smaller.flatMap((each) =>
    each.items < part.items
      ? fitting(signal, each, room, encode)
      : [{ value: encode(signal, each.bytes), items: each.items }],
  )
}
