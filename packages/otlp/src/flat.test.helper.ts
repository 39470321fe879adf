/** Requests of all signals, and each of their items with all that is around it, whichever messages hold that. */
import * as fc from 'fast-check'
import type { Signal } from './batch.ts'
import { logsFromJson, metricsFromJson, tracesFromJson } from './from-json.ts'
import { arbitraryMessage, oracleEncode } from './oracle.test.helper.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { requestToJson } from './to-json.ts'

export const SIGNAL_TYPES: readonly { readonly signal: Signal; readonly type: string }[] = [
  { signal: 'traces', type: 'TracesData' },
  { signal: 'logs', type: 'LogsData' },
  { signal: 'metrics', type: 'MetricsData' },
]

/** As protobufjs writes them, or with unknown fields, in other orders and in pieces. */
export function requestsOf(type: string): fc.Arbitrary<Uint8Array> {
  return pairsOf(type).map(({ bytes }) => bytes)
}

/** The same with what protobufjs writes and can read. */
export function pairsOf(type: string): fc.Arbitrary<{ readonly plain: Uint8Array; readonly bytes: Uint8Array }> {
  return fc.tuple(arbitraryMessage(type), fc.boolean(), fc.integer()).map(([message, mixed, seed]) => {
    const plain = oracleEncode(type, message)
    return { plain, bytes: mixed ? scramble(type, plain, createRandom(seed)) : plain }
  })
}

const FROM_JSON = { traces: tracesFromJson, logs: logsFromJson, metrics: metricsFromJson }

/** Of these an empty message means the same as none. */
const MAY_BE_EMPTY = new Set(['value', 'body', 'resource', 'scope'])

/** What the bytes mean, whether zeros and empty messages are written or not. */
export function meaning(signal: Signal, bytes: Uint8Array): unknown {
  const json = JSON.stringify(requestToJson(signal, FROM_JSON[signal](JSON.stringify(requestToJson(signal, bytes)))))
  const isEmpty = (value: unknown): boolean => typeof value === 'object' && Object.keys(value!).length === 0
  return JSON.parse(json, (key, value: unknown) => (MAY_BE_EMPTY.has(key) && isEmpty(value) ? undefined : value))
}

type Json = { readonly [name: string]: unknown }

const CHILDREN = /^(resource|scope)(Spans|Logs|Metrics)$|^(spans|logRecords|metrics|dataPoints)$/
const DATA = new Set(['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary'])
/** How many messages lead to an item. */
const DEPTHS: Readonly<Record<Signal, number>> = { traces: 3, logs: 3, metrics: 5 }

/** For each item the messages from the outermost one on, each without those within it that lead to items. */
export function flat(signal: Signal, bytes: Uint8Array): Json[][] {
  const items: Json[][] = []
  const visit = (message: Json, around: readonly Json[]): void => {
    const isWithin = (key: string): boolean => CHILDREN.test(key) || (DATA.has(key) && around.length === 3)
    const own = Object.fromEntries(Object.entries(message).filter(([key]) => !isWithin(key)))
    const path = [...around, own]
    if (path.length === DEPTHS[signal] + 1) items.push(path.slice(1))
    else {
      for (const key of Object.keys(message).filter(isWithin)) {
        for (const child of [message[key]].flat() as Json[]) visit(child, path)
      }
    }
  }
  visit(requestToJson(signal, bytes) as Json, [])
  return items
}
