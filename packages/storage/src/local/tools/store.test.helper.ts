import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { attributes, batchOf, sent, traceId } from '../../conformance/spans.ts'
import { textOf } from '../block/attribute.ts'
import { find, spansOf } from '../../conformance/harness.ts'
import type { StorageError, TraceStore } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { FILE_HEADER } from '../files/log.ts'
import { indexPath, listSegments, logPath, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import { readLogState, walkLog } from '../files/walk.ts'
import type { LocalStoreOptions } from '../options.ts'
import { sealLog } from '../seal/seal-log.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'

/** Spans of each trace that {@link fill} appends. */
export const SPANS = 3

export async function appendTrace(store: TraceStore, trace: number, secret?: string): Promise<void> {
  const spans = Array.from({ length: SPANS }, (_, i) =>
    sent({
      trace,
      id: i + 1,
      at: trace,
      service: `s${trace % 7}`,
      attributes: attributes({ trace: `t-${trace}`, ...(secret !== undefined && i === 1 && { secret }) }),
    }),
  )
  await store.append(batchOf(...spans))
}

/** The files of the stores that {@link fill} has made, by what it was called with. */
const filled = new Map<string, ReadonlyMap<string, Buffer>>()

/** A closed store: one record a trace, in segments of a few kilobytes. Made once in each test file, as starting threads is slow; then copied. */
export async function fill(directory: string, traces: number, segmentBytes = 3000): Promise<void> {
  const key = `${traces} ${segmentBytes}`
  const made = filled.get(key)
  if (made) {
    mkdirSync(directory, { recursive: true })
    for (const [name, bytes] of made) writeFileSync(join(directory, name), bytes)
    return
  }
  const store = await openInSameThread({ directory, segmentBytes, seal: false })
  for (let trace = 0; trace < traces; trace++) await appendTrace(store, trace)
  await store.close()
  filled.set(key, new Map(readdirSync(directory).map((name) => [name, readFileSync(join(directory, name))])))
}

/** Gives every log of a closed store but the last ones its sealed form. */
export async function sealAll(directory: string, last = 0): Promise<void> {
  const ids = listSegments(nodeFileSystem, directory)
  for (const id of ids.slice(0, ids.length - last)) {
    const { size } = nodeFileSystem.stat(logPath(directory, id))!
    await sealLog(nodeFileSystem, directory, { id, logSize: size, maxBytes: Infinity }, () => Promise.resolve(true))
    nodeFileSystem.rename(sealedPath(directory, id) + NEW, sealedPath(directory, id))
    nodeFileSystem.remove(indexPath(directory, id))
    nodeFileSystem.remove(logPath(directory, id))
  }
}

export interface Seen {
  /** Numbers of the traces that are whole. */
  readonly traces: number[]
  readonly events: StoreEvent[]
}

/** Opens the store, reads every trace that it finds, as far as that can be read, and closes it. Throws where a span is not what was sent. */
export async function readAll(directory: string, options: Partial<LocalStoreOptions> = {}): Promise<Seen> {
  const events: StoreEvent[] = []
  const store = await openInSameThread({ directory, seal: false, ...options, onEvent: (event) => events.push(event) })
  try {
    const traces: number[] = []
    for (const id of await find(store, {})) {
      const trace = Number(BigInt(`0x${id}`) - BigInt(`0x${traceId(0)}`))
      const spans = await spansOf(store, id).catch((error: unknown) => {
        if ((error as StorageError).code === 'corrupt') return []
        throw error
      })
      const ids = new Set(spans.map(({ span }) => Number(span.spanId)))
      const values = spans.flatMap(({ span }) => span.attributes.filter(({ key }) => key === 'trace'))
      if (
        ids.size !== spans.length ||
        [...ids].some((span) => span < 1 || span > SPANS) ||
        values.some(({ value }) => textOf(value) !== `t-${trace}`)
      )
        throw new Error(`trace ${trace} is ${[...ids].join()} ${values.map(({ value }) => textOf(value)).join()}`)
      if (spans.length === SPANS) traces.push(trace)
    }
    return { traces: traces.sort((a, b) => a - b), events }
  } finally {
    await store.close()
  }
}

export interface Place {
  readonly id: number
  readonly path: string
  readonly start: number
  readonly end: number
}

/** Where each record of the store is, in order. */
export function records(directory: string): Place[] {
  const places: Place[] = []
  for (const id of listSegments(nodeFileSystem, directory)) {
    const path = logPath(directory, id)
    const file = nodeFileSystem.open(path, 'read')
    const state = readLogState(file, path)
    if (state.state === 'ok')
      for (const { start, end, kind } of walkLog(file, path, state.header, FILE_HEADER, file.size()))
        if (kind === 'record') places.push({ id, path, start, end })
    file.close()
  }
  return places
}

/** Changes bytes of a file in place. */
export function edit(path: string, change: (bytes: Buffer) => void): void {
  const bytes = readFileSync(path)
  change(bytes)
  writeFileSync(path, bytes)
}

export function damaged(events: readonly StoreEvent[]): Extract<StoreEvent, { code: 'damaged' }>[] {
  return events.filter((event) => event.code === 'damaged')
}
