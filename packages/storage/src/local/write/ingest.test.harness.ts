/** What the writer's tests run it with: a disk that fails on demand, a clock that is set by hand, and a reader in the same thread. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { attributes, requestOf, sent, traceId } from '../../conformance/spans.ts'
import {
  createHealth,
  type KeepingState,
  type SealingState,
  type StoreEvent,
  type StoreEventCode,
} from '../../events.ts'
import { nodeFileSystem, type File, type FileSystem } from '../files/file-system.ts'
import { settingsOf, type LocalStoreOptions } from '../options.ts'
import { Reader } from '../read/reader.ts'
import type { Clock, Connect, Port } from '../runtime.ts'
import { Sealer } from '../seal/sealer.ts'
import type {
  Change,
  FromReader,
  FromSealer,
  FromWriter,
  Held,
  PinChange,
  SealerCommand,
  SealerReply,
  Switched,
  ToReader,
  ToSealer,
  ToWriter,
} from '../threads/protocol.ts'
import { Writer } from './writer.ts'

export type Operation =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'sync'
  | 'dataSync'
  | 'close'
  | 'list'
  | 'stat'
  | 'remove'
  | 'syncDirectory'

/** The machine's file system, some of whose calls fail. */
export class FaultyFileSystem implements FileSystem {
  /** All calls so far: operation and file name. */
  readonly calls: string[] = []
  /** The error code with which a call fails; undefined when it does not. */
  fault: (operation: Operation, name: string, call: number) => string | undefined = () => undefined
  /** What `space` says, and nothing more can be written than that; undefined: what the machine has. */
  freeBytes: number | undefined
  totalBytes = 1 << 30
  /** Others take at once what is freed. */
  isHogged = false
  /** Open now, and the most at any time. */
  openFiles = 0
  mostOpenFiles = 0

  identity(path: string): string | undefined {
    return nodeFileSystem.identity(path)
  }

  #check(operation: Operation, path: string): void {
    const name = path.slice(path.lastIndexOf('/') + 1)
    const code = this.fault(operation, name, this.calls.push(`${operation} ${name}`) - 1)
    if (code) throw Object.assign(new Error(`${code}: ${operation} ${name}`), { code })
  }

  open(path: string, mode: Parameters<FileSystem['open']>[1]): File {
    this.#check('open', path)
    const file = nodeFileSystem.open(path, mode)
    this.mostOpenFiles = Math.max(this.mostOpenFiles, ++this.openFiles)
    const check = (operation: Operation): void => this.#check(operation, path)
    return {
      read: (...args) => (check('read'), file.read(...args)),
      size: () => file.size(),
      identity: () => file.identity(),
      write: (from, offset, length, position) => {
        const size = file.size()
        try {
          check('write')
          if (this.freeBytes !== undefined) {
            const grows = Math.max(0, position + length - size)
            if (grows > this.freeBytes) throw Object.assign(new Error('ENOSPC: write'), { code: 'ENOSPC' })
            this.freeBytes -= grows
          }
        } catch (error) {
          // What failed may have written a part.
          if (length > 1 && this.freeBytes === undefined) file.write(from, offset, length >> 1, position)
          throw error
        }
        return file.write(from, offset, length, position)
      },
      truncate: (size) => {
        check('truncate')
        this.#freed(Math.max(0, file.size() - size))
        file.truncate(size)
      },
      sync: () => (check('sync'), file.sync()),
      dataSync: (done) => {
        try {
          check('dataSync')
        } catch (error) {
          setImmediate(() => done(error as Error))
          return
        }
        // Nothing in these tests loses power.
        setImmediate(() => done(null))
      },
      close: () => {
        file.close()
        this.openFiles--
        check('close')
      },
    }
  }

  list(directory: string): string[] {
    this.#check('list', directory)
    return nodeFileSystem.list(directory)
  }

  stat(path: string): ReturnType<FileSystem['stat']> {
    this.#check('stat', path)
    return nodeFileSystem.stat(path)
  }

  remove(path: string): void {
    this.#check('remove', path)
    this.#freed(nodeFileSystem.stat(path)?.size ?? 0)
    nodeFileSystem.remove(path)
  }

  rename(from: string, to: string): void {
    nodeFileSystem.rename(from, to)
  }

  makeDirectory(path: string): void {
    nodeFileSystem.makeDirectory(path)
  }

  syncDirectory(path: string): void {
    this.#check('syncDirectory', path)
  }

  space(directory: string): ReturnType<FileSystem['space']> {
    if (this.freeBytes === undefined) return nodeFileSystem.space(directory)
    return { freeBytes: this.freeBytes, totalBytes: this.totalBytes }
  }

  #freed(bytes: number): void {
    if (this.freeBytes !== undefined && !this.isHogged) this.freeBytes += bytes
  }
}

/** Passes by as {@link pass} is called. */
export class HandClock implements Clock {
  wall = 1_800_000_000_000
  mono = 1000
  #timers: { atMs: number; run: () => void }[] = []

  wallMs(): number {
    return this.wall
  }

  monotonicMs(): number {
    return this.mono
  }

  after(ms: number, run: () => void): () => void {
    const timer = { atMs: this.mono + ms, run }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer)
    }
  }

  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve))
  }

  /** Lets time go by, timer by timer, with a turn for what each of them starts. */
  async pass(ms: number): Promise<void> {
    const until = this.mono + ms
    for (;;) {
      await this.turn()
      const next = this.#timers.reduce<{ atMs: number; run: () => void } | undefined>(
        (first, timer) => (!first || timer.atMs < first.atMs ? timer : first),
        undefined,
      )
      const atMs = Math.min(until, next?.atMs ?? Infinity)
      this.wall += atMs - this.mono
      this.mono = atMs
      if (!next || next.atMs > until) break
      this.#timers = this.#timers.filter((timer) => timer !== next)
      next.run()
    }
    await this.turn()
  }
}

/** Two ends in one thread. What is posted before somebody listens waits. */
function channel<A, B>(): [Port<A, B>, Port<B, A>] {
  const end = <In, Out>(into: { handle?: (message: In) => void; queue: In[] }, out: typeof into): Port<In, Out> => ({
    post(message) {
      const other = out as unknown as { handle?: (message: Out) => void; queue: Out[] }
      if (other.handle) other.handle(message)
      else other.queue.push(message)
    },
    onMessage(handle) {
      into.handle = handle
      for (const message of into.queue.splice(0)) handle(message)
    },
    receive: () => into.queue.shift(),
    close: () => {},
  })
  const a = { queue: [] }
  const b = { queue: [] }
  return [end<A, B>(a, b), end<B, A>(b, a)]
}

/** A channel whose reading end hears of nothing until it asks: the latest that a message can come. */
function lazyChannel<M, Answer>(): [Port<Answer, M>, Port<M, Answer>] {
  const queue: M[] = []
  let answered: (answer: Answer) => void = () => {}
  return [
    {
      post: (message) => void queue.push(message),
      receive: () => undefined,
      onMessage: (handle) => (answered = handle),
      close() {},
    },
    { post: (answer) => answered(answer), receive: () => queue.shift(), onMessage() {}, close() {} },
  ]
}

export interface TestStore {
  readonly events: StoreEvent[]
  told(code: StoreEventCode): StoreEvent[]
  isWritable(): boolean
  /** What is wrong now. */
  reasons(): readonly string[]
  sealing(): SealingState | undefined
  keeping(): KeepingState | undefined
  /** All pins, after a change; an error's code where it is refused. */
  pins(change?: PinChange): Promise<string[] | string>
  /** Resolves with undefined, or with the code with which it was refused. */
  append(trace: number, request?: Uint8Array): Promise<string | undefined>
  /** Ids of all traces that a search finds, sorted. */
  find(): Promise<string[]>
  /** By the id of each trace that a search finds, how many spans it has. */
  spans(): Promise<Map<string, number>>
  close(): Promise<void>
}

export interface StoreParts {
  readonly directory: string
  readonly files: FaultyFileSystem
  readonly clock: HandClock
}

/** Fresh parts, whose directory is removed after `test`. */
export async function withParts(test: (parts: StoreParts) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-write-'))
  try {
    await test({ directory, files: new FaultyFileSystem(), clock: new HandClock() })
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

/** Spans with a value that does not get shorter when it is compressed. */
export function largeRequest(trace: number, spans: number, valueBytes: number): Uint8Array {
  return requestOf(
    Array.from({ length: spans }, (_, i) =>
      sent({
        trace,
        id: i + 1,
        at: trace,
        service: `s${trace % 10}`,
        attributes: attributes({ value: randomBytes(valueBytes / 2).toString('latin1') }),
      }),
    ),
  )
}

/** All bytes in a directory, folders included. */
export function bytesIn(directory: string): number {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name)
    return sum + (entry.isDirectory() ? bytesIn(path) : statSync(path).size)
  }, 0)
}

export function requestOfTrace(trace: number, spans = 4): Uint8Array {
  return requestOf(Array.from({ length: spans }, (_, i) => sent({ trace, id: i + 1, at: trace, service: `s${trace}` })))
}

/**
 * Opens a store of a writer and a reader. Throws with the writer's code when it cannot be opened. `isLate`: the reader hears of what the
 * writer does only when it is asked something, which is the latest that it can. `sealerFiles`: a sealer works, on these.
 */
export async function openTestStore(
  { directory, files, clock }: StoreParts,
  options: Omit<LocalStoreOptions, 'directory'> = {},
  isLate = false,
  sealerFiles?: FileSystem,
): Promise<TestStore> {
  const settings = settingsOf({ directory, ...options })
  const [toReader, fromWriter] = isLate ? lazyChannel<Change, Switched | Held>() : channel<Switched | Held, Change>()
  const [writerMain, mainWriter] = channel<ToWriter, FromWriter>()
  const [readerMain, mainReader] = channel<ToReader, FromReader>()
  const connect: Connect = (link) => link as never
  const writer = new Writer(settings, files, clock, connect, writerMain)
  // The reader's disk does not fail here.
  new Reader('search_reader', settings, nodeFileSystem, clock, connect, readerMain).start()
  const events: StoreEvent[] = []
  const health = createHealth()
  let sealing: SealingState | undefined
  let keeping: KeepingState | undefined
  const asked = new Map<number, (answer: string[] | string) => void>()
  const appends = new Map<number, (code: string | undefined) => void>()
  const calls = new Map<number, (message: FromReader) => void>()
  const opened = Promise.withResolvers<void>()
  const closed = Promise.withResolvers<void>()
  mainReader.onMessage((message) => {
    if ('id' in message) calls.get(message.id)?.(message)
  })
  mainWriter.onMessage((message) => {
    switch (message.type) {
      case 'opened':
        opened.resolve()
        break
      case 'failed':
        opened.reject(Object.assign(new Error(message.error.message), message.error))
        break
      case 'durable':
      case 'rejected':
        for (const id of message.ids) {
          appends.get(id)!(message.type === 'rejected' ? message.error.code : undefined)
          appends.delete(id)
        }
        break
      case 'sealing':
        sealing = message.state
        break
      case 'keeping':
        keeping = message.state
        break
      case 'pins':
        asked.get(message.ask)!(message.error?.code ?? message.pins.map(([id]) => id))
        break
      case 'event':
        events.push(message.event)
        health.add(message.event, clock.wall)
        break
      case 'closed':
        if (message.error) closed.reject(new Error(message.error.message))
        else closed.resolve()
        break
    }
  })
  writer.start()
  await opened.promise
  if (sealerFiles) {
    const [sealerMain, mainSealer] = channel<SealerCommand, SealerReply>()
    const [writerEnd, sealerEnd] = channel<FromSealer, ToSealer>()
    new Sealer(settings, sealerFiles, clock, connect, sealerMain).start()
    mainWriter.post({ type: 'join_sealer', link: writerEnd })
    mainSealer.post({ type: 'join', link: sealerEnd })
  }
  mainWriter.post({ type: 'join', reader: 'search_reader', link: toReader })
  mainReader.post({ type: 'join', link: fromWriter })
  let id = 0
  /** Lets time pass until it is done. */
  const until = async <T>(work: Promise<T>): Promise<T> => {
    const state = { isDone: false }
    const done = (): void => void (state.isDone = true)
    work.then(done, done)
    for (let i = 0; i < 10_000 && !state.isDone; i++) await clock.pass(1)
    if (!state.isDone) throw new Error('it was not answered within 10 s')
    return work
  }
  const search = async (): Promise<Map<string, number>> => {
    const number = id++
    const traces = new Map<string, number>()
    const answer = new Promise<FromReader>((resolve) =>
      calls.set(number, (message) => {
        if (message.type !== 'found') resolve(message)
        else if ('type' in message.event && message.event.type === 'traces')
          for (const trace of message.event.traces) traces.set(trace.traceId, trace.spans)
      }),
    )
    const query = { limit: 10_000 }
    mainReader.post({ type: 'call', id: number, call: { method: 'search', query }, deadlineMs: 1e12 })
    const message = await answer
    if (message.type !== 'result') throw new Error(`the search was answered with ${message.type}`)
    return traces
  }
  return {
    events,
    told: (code) => events.filter((event) => event.code === code),
    isWritable: () => health.health().writable,
    reasons: () => health.health().reasons,
    sealing: () => sealing,
    keeping: () => keeping,
    pins(change) {
      const ask = id++
      const answer = new Promise<string[] | string>((resolve) => asked.set(ask, resolve))
      mainWriter.post({ type: 'pins', ask, ...(change && { change }) })
      return answer
    },
    append(trace, request = requestOfTrace(trace)) {
      const number = id++
      const slab = request.slice().buffer
      return until(
        new Promise((resolve) => {
          appends.set(number, resolve)
          mainWriter.post({ type: 'append', slab, ids: [number], ends: [request.length] })
        }),
      )
    },
    find: async () => [...(await search()).keys()].sort(),
    spans: search,
    async close() {
      mainWriter.post({ type: 'close' })
      await until(closed.promise)
    },
  }
}

export const idsOf = (traces: Iterable<number>): string[] => [...traces].map(traceId).sort()
