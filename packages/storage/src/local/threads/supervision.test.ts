import { execFileSync } from 'node:child_process'
import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { setEnvironmentData, Worker } from 'node:worker_threads'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { collectSearch, type StorageError, type TraceStore } from '../../contract.ts'
import type { StoreEvent } from '../../events.ts'
import { find, spansOf } from '../../conformance/harness.ts'
import { batchOf, sent, traceId } from '../../conformance/spans.ts'
import type { LocalStoreOptions, LocalStoreSettings } from '../options.ts'
import type { EnginePart, Host, RunningPart } from '../runtime.ts'
import { openLocalStore, openStoreOn } from './local-store.ts'
import type { PartStart } from './protocol.ts'
import { runningPart, threadHost } from './thread-host.ts'

process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'spoor-compile-cache')

/** What {@link fault} tells a thread to do. */
const CRASH = 1
const SPIN = 2
const HOARD = 3
const BLOCK = 4
/** As SPIN, without using up a core. */
const HANG = 5
const PARTS: readonly EnginePart[] = ['writer', 'lookup_reader', 'search_reader', 'sealer']

let root: string
let directory: string
let fifo: string
let words: Int32Array
let events: StoreEvent[]
const stores: TraceStore[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-threads-'))
  directory = join(root, 'data')
  fifo = join(root, 'fifo')
  execFileSync('mkfifo', [fifo])
  words = new Int32Array(new SharedArrayBuffer(4 * PARTS.length))
  events = []
  setEnvironmentData('faults', { words, fifo })
})

afterEach(async () => {
  for (const store of stores.splice(0)) await store.close().catch(() => {})
  rmSync(root, { recursive: true, force: true })
})

/** The engine's own threads, each with an ear for {@link fault}. */
const faultyHost: Host = {
  ...threadHost,
  start(part, settings) {
    const workerData: PartStart = { part }
    // A young generation as small as the program's: what V8 takes beyond the limit until the thread is stopped must be less than what Node
    // allows for that, or V8 ends the process.
    const resourceLimits = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 8 }
    const worker = new Worker(new URL('./faulty-part.test.child.ts', import.meta.url), { workerData, resourceLimits })
    worker.postMessage(settings, [])
    return runningPart(part, worker)
  },
}

async function open(options: Partial<LocalStoreOptions> = {}): Promise<TraceStore> {
  const store = await openStoreOn(faultyHost, { directory, onEvent: (event) => events.push(event), ...options })
  stores.push(store)
  // The search reader starts with the first search.
  await find(store, {})
  return store
}

function fault(part: EnginePart, what: number): void {
  Atomics.store(words, PARTS.indexOf(part), what)
}

/** Resolves when the part has been told of its fault, which it begins with at once. */
async function taken(part: EnginePart): Promise<void> {
  await vi.waitFor(() => expect(Atomics.load(words, PARTS.indexOf(part))).toBe(0), { timeout: 30_000 })
}

/** Resolves when this has been told of the part. */
async function told(code: StoreEvent['code'], part: EnginePart): Promise<void> {
  await vi.waitFor(() => expect(events).toContainEqual(expect.objectContaining({ code, part })), {
    timeout: 50_000,
    interval: 5,
  })
}

const span = (trace: number): Parameters<TraceStore['append']>[0] =>
  batchOf(sent({ trace, id: 1, at: trace, service: `s${trace}` }))
const all = (count: number): string[] => Array.from({ length: count }, (_, i) => traceId(i))

it.for(['lookup_reader', 'search_reader'] as const)(
  'replaces a %s that crashes; what was acknowledged is found at once',
  async (part) => {
    const store = await open()
    for (let trace = 0; trace < 20; trace++) await store.append(span(trace))
    fault(part, CRASH)
    await told('failing', part)
    expect(store.health()).toMatchObject({ readable: false, writable: true })
    await store.append(span(20))
    expect((await find(store, {})).sort()).toEqual(all(21))
    expect(await store.services()).toHaveLength(21)
    for (const trace of [0, 19, 20]) expect(await spansOf(store, traceId(trace))).toHaveLength(1)
    await told('recovered_again', part)
    expect(events.filter((event) => 'part' in event).map(({ code }) => code)).toEqual([
      'failing',
      'restarted',
      'recovered_again',
    ])
    expect(events.find(({ code }) => code === 'failing')).toMatchObject({
      reason: expect.stringContaining('told to crash') as string,
    })
    expect(store.health()).toMatchObject({ readable: true, writable: true, reasons: [] })
  },
)

it('replaces a search reader that spins; calls keep their deadline and lookups do not notice', async () => {
  const store = await open()
  await store.append(span(0))
  fault('search_reader', SPIN)
  await taken('search_reader')
  const began = performance.now()
  const search = collectSearch(store.search({ timeoutMs: 500 })).catch((error: unknown) => error)
  expect(await store.services({ timeoutMs: 400 })).toEqual(['s0'])
  expect(await spansOf(store, traceId(0))).toHaveLength(1)
  expect(await search).toMatchObject({ code: 'timeout' })
  // By their deadlines, before the reader is replaced.
  expect(performance.now() - began).toBeLessThan(4_500)
  await told('recovered_again', 'search_reader')
  expect(await find(store, {})).toEqual(all(1))
})

it('goes on with a tail when its reader is replaced', async () => {
  const store = await open()
  await store.append(span(0))
  const tail = store.tail({ everyMs: 10 })[Symbol.asyncIterator]()
  expect((await tail.next()).value).toMatchObject({ type: 'progress' })
  fault('search_reader', CRASH)
  await told('failing', 'search_reader')
  await store.append(span(1))
  for (;;) {
    const { value } = await tail.next()
    if (value?.type === 'progress') continue
    expect(value).toMatchObject({ traces: [{ traceId: traceId(1) }] })
    break
  }
  expect((await tail.next()).value).toEqual({ type: 'progress', spans: 1, missed: 0 })
  await tail.return?.()
})

it('asks the successor what a reader that hangs was asked', async () => {
  const store = await open()
  await store.append(span(0))
  for (const part of ['lookup_reader', 'search_reader'] as const) fault(part, HANG)
  await Promise.all([taken('lookup_reader'), taken('search_reader')])
  const answers = await Promise.all([find(store, {}), store.services(), spansOf(store, traceId(0))])
  expect(answers).toMatchObject([all(1), ['s0'], [{}]])
  expect(events.filter(({ code }) => code === 'restarted')).toHaveLength(2)
})

it('cancels every kind of call at once, also when the reader does not listen', async () => {
  const store = await open()
  await store.append(span(0))
  for (const part of ['lookup_reader', 'search_reader'] as const) {
    fault(part, HANG)
    await taken(part)
  }
  const controller = new AbortController()
  const options = { signal: controller.signal }
  const calls = [
    collectSearch(store.search(options)),
    store.dependencies(0n, 1n, options),
    store.services(options),
    store.operations(undefined, undefined, options),
    store.attributeKeys(5, options),
    store.attributeValues('k', 5, options),
    store.stats(options),
    store.trace(traceId(0), options)[Symbol.asyncIterator]().next(),
  ].map((call) => (call as Promise<unknown>).catch((error: StorageError) => error.code))
  controller.abort()
  const first = await Promise.race([Promise.all(calls), sleep(2_000, 'late')])
  expect(first).toEqual(calls.map(() => 'cancelled'))
})

it('ends a search reader that takes too much memory, and not the process', async () => {
  const store = await open()
  await store.append(span(0))
  fault('search_reader', HOARD)
  await told('recovered_again', 'search_reader')
  expect(events.find(({ code }) => code === 'failing')).toMatchObject({
    reason: expect.stringContaining('memory') as string,
  })
  expect(await find(store, {})).toEqual(all(1))
})

it.for([CRASH, BLOCK])(
  'starts a writer anew that ends (fault %i); appends are refused meanwhile and go on after',
  async (what) => {
    const store = await open({ onEvent: (event) => events.push(event) })
    const acknowledged: number[] = []
    const refused: StorageError[] = []
    const over = new AbortController()
    const appending = (async () => {
      for (let trace = 0; !over.signal.aborted; trace++) {
        await store.append(span(trace)).then(
          () => acknowledged.push(trace),
          (error: StorageError) => refused.push(error),
        )
        await sleep(1)
      }
    })()
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(10))
    fault('writer', what)
    if (what === BLOCK) {
      // A system call that returns is only slow: nothing is replaced.
      await sleep(200)
      closeSync(openSync(fifo, constants.O_WRONLY))
    } else await told('recovered_again', 'writer')
    const before = acknowledged.length
    await vi.waitFor(() => expect(acknowledged.length).toBeGreaterThan(before + 5), { timeout: 10_000 })
    over.abort()
    await appending
    for (const error of refused) expect(error).toMatchObject({ code: 'io', retryable: true })
    const found = new Set(await find(store, {}))
    expect(acknowledged.filter((trace) => !found.has(traceId(trace)))).toEqual([])
    expect(await spansOf(store, traceId(acknowledged[0]!))).toHaveLength(1)
    expect(store.health()).toMatchObject({ readable: true, writable: true, reasons: [] })
  },
)

it('gives up a writer that ends again and again', async () => {
  const store = await open()
  const beat = setInterval(() => fault('writer', CRASH), 2)
  const error = await store.failed.finally(() => clearInterval(beat))
  expect(error.message).toContain(directory)
  expect(events.at(-1)).toMatchObject({ code: 'gave_up', part: 'writer', restarts: 5, withinMs: 60_000 })
  expect(store.health()).toMatchObject({ readable: false, writable: false })
  await expect(store.append(span(0))).rejects.toMatchObject({ code: 'io' })
  await expect(store.services()).rejects.toMatchObject({ code: 'io' })
  await store.close()
})

it('gives up at once where no restart can help', async () => {
  const store = await open()
  writeFileSync(join(directory, 'FORMAT'), 'spoor-local 999\n')
  fault('writer', CRASH)
  expect((await store.failed).message).toContain('FORMAT')
  expect(events.at(-1)).toMatchObject({ code: 'gave_up', part: 'writer' })
  await store.close()
})

it('closes within its deadline when the writer is in a system call that does not return', async () => {
  const store = await open()
  await store.append(span(0))
  fault('writer', BLOCK)
  await taken('writer')
  const append = store.append(span(1)).catch((error: unknown) => error)
  const began = performance.now()
  await expect(store.close(1_000)).rejects.toMatchObject({
    code: 'timeout',
    message: expect.stringMatching(/1 batches with 1 spans.*writer cannot be ended/) as string,
  })
  expect(performance.now() - began).toBeLessThan(10_000)
  expect(await append).toMatchObject({ code: 'timeout' })
  // It still has the files: nobody else gets the directory before it ends.
  await expect(openLocalStore({ directory })).rejects.toMatchObject({ code: 'locked' })
  closeSync(openSync(fifo, constants.O_WRONLY))
  const again = await vi.waitFor(() => openLocalStore({ directory }), { timeout: 5_000 })
  expect(await spansOf(again, traceId(0))).toHaveLength(1)
  await again.close()
})

it('closes while readers spin', async () => {
  const store = await open()
  await store.append(span(0))
  for (const part of ['lookup_reader', 'search_reader'] as const) fault(part, SPIN)
  await Promise.all([taken('lookup_reader'), taken('search_reader')])
  const search = collectSearch(store.search({})).catch((error: unknown) => error)
  await store.close(5_000)
  expect(await search).toMatchObject({ code: 'closed' })
})

it('takes the end of a writer that has closed for no failure, however soon it comes', async () => {
  const host: Host = {
    ...faultyHost,
    start<In, Out>(part: EnginePart, settings: LocalStoreSettings): RunningPart<In, Out> {
      const running = faultyHost.start<In, Out>(part, settings)
      const early = Promise.withResolvers<string>()
      const onMessage = (handle: (message: In) => void): void =>
        running.port.onMessage((message) => {
          handle(message)
          if ((message as { type?: unknown }).type === 'closed') early.resolve('the thread of the writer ended with 0')
        })
      return { ...running, port: { ...running.port, onMessage }, ended: Promise.race([early.promise, running.ended]) }
    },
  }
  const store = await openStoreOn(host, { directory, onEvent: (event) => events.push(event) })
  await store.append(span(0))
  await store.close()
  expect(events.filter((event) => 'part' in event)).toEqual([])
})

it('gives up opening when its signal says so', async () => {
  const controller = new AbortController()
  const opening = openLocalStore({ directory, signal: controller.signal })
  controller.abort()
  await expect(opening).rejects.toMatchObject({ code: 'cancelled' })
  await (await openLocalStore({ directory })).close()
})

it.for(['deleted', 'moved away'] as const)(
  'acknowledges nothing into a directory that was %s, and starts anew when it is there',
  async (how) => {
    const store = await open()
    await store.append(span(0))
    const elsewhere = join(root, 'elsewhere')
    if (how === 'deleted') rmSync(directory, { recursive: true })
    else renameSync(directory, elsewhere)
    await expect(store.append(span(1))).rejects.toMatchObject({
      code: 'io',
      retryable: true,
      message: expect.stringContaining('deleted or moved away') as string,
    })
    await expect(store.append(span(2))).rejects.toMatchObject({ code: 'io', retryable: true })
    expect(store.health()).toMatchObject({ writable: false })
    if (how === 'deleted') mkdirSync(directory)
    else renameSync(elsewhere, directory)
    await told('recovered_again', 'writer')
    await store.append(span(3))
    const found = await find(store, {})
    expect(found.includes(traceId(0))).toBe(how === 'moved away')
    expect(found).toContain(traceId(3))
    expect(await spansOf(store, traceId(3))).toHaveLength(1)
  },
)

it('tells of the spans that were in a log which somebody deleted under it, and goes on', async () => {
  const store = await open()
  await store.append(span(0))
  await store.append(span(1))
  rmSync(join(directory, '00000001.log'))
  await expect(store.append(span(2))).rejects.toMatchObject({ code: 'io', retryable: true })
  await told('recovered_again', 'writer')
  const damaged = events.filter(({ code }) => code === 'damaged')
  expect(damaged).toMatchObject([{ file: '00000001.log', maxSpans: 2, perhaps: false }])
  await store.append(span(3))
  expect(await find(store, {})).toEqual([traceId(3)])
})

it('tells that the directory is gone when nothing is appended', async () => {
  await open()
  renameSync(directory, join(root, 'elsewhere'))
  await told('failing', 'writer')
})

it.for([
  ['below /proc', '/proc/spoor/data'],
  ['below a file', 'file/data'],
  ['that is a file', 'file'],
] as const)('refuses a directory %s at once', async ([, path]) => {
  writeFileSync(join(root, 'file'), '')
  const hopeless = resolve(root, path)
  await expect(openLocalStore({ directory: hopeless })).rejects.toMatchObject({
    code: 'io',
    message: expect.stringContaining(hopeless) as string,
  })
})

it.for([CRASH, SPIN, HOARD, BLOCK])(
  'replaces a sealer that ends or hangs (fault %i); nobody notices but what is to be sealed',
  async (what) => {
    const store = await open({ segmentBytes: 3000 })
    for (let trace = 0; trace < 30; trace++) await store.append(span(trace))
    fault('sealer', what)
    await sleep(20)
    for (let trace = 30; trace < 60; trace++) await store.append(span(trace))
    expect((await find(store, {})).sort()).toEqual(all(60))
    expect(store.health()).toMatchObject({ readable: true, writable: true })
    // One that hangs is given a minute: a sync of much may take long.
    if (what === SPIN || what === BLOCK) return
    await told('recovered_again', 'sealer')
    await vi.waitFor(() => expect(logs()).toHaveLength(1), { timeout: 20_000, interval: 50 })
    expect((await find(store, {})).sort()).toEqual(all(60))
    expect(store.health().reasons).toEqual([])
    await vi.waitFor(() => expect(store.health().sealing).toMatchObject({ waitingSegments: 0 }), { timeout: 5_000 })
    expect(store.health().sealing!.segments).toBeGreaterThan(1)
  },
)

function logs(): string[] {
  return readdirSync(directory).filter((name) => name.endsWith('.log'))
}
