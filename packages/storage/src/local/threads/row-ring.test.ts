import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MessageChannel } from 'node:worker_threads'
import { expect, it } from 'vitest'
import { requestOf, sent } from '../../conformance/spans.ts'
import { BlockBuilder, type BuilderMark } from '../block/builder.ts'
import { rowsBetween, type BlockRows } from '../block/rows.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { settingsOf } from '../options.ts'
import { systemClock, threadPort, type Port } from '../runtime.ts'
import { Ingest } from '../write/ingest.ts'
import { ChangeFeed } from './change-feed.ts'
import { HeardChanges } from './heard-changes.ts'
import type { Change, FromWriter, Held, Switched, Told, ToWriter } from './protocol.ts'
import { RowRing } from './row-ring.ts'

/** A block to which requests are added, of spans that are in no other. */
class Filling {
  readonly builder = new BlockBuilder()
  #trace = 0

  get rows(): BlockRows {
    return this.builder.rows
  }

  /** Marks before and after a request of so many spans, each of a trace and an operation of its own. */
  add(spans: number): [from: BuilderMark, to: BuilderMark] {
    const from = this.builder.mark()
    const request = Array.from({ length: spans }, (_, i) =>
      sent({ trace: ++this.#trace, id: i + 1, name: `größe ${this.#trace} 🐾`, service: `s${this.#trace % 7}`, at: i }),
    )
    this.builder.add(requestOf(request))
    const rawStart = from.rawLength
    this.builder.addFrame({
      rawStart,
      rawLength: this.builder.rawLength - rawStart,
      offset: 2 ** 33 + rawStart,
      length: 7,
    })
    return [from, this.builder.mark()]
  }
}

it('gives what was put in, in the other end, also where it begins again at its start', () => {
  const filling = new Filling()
  const ring = new RowRing()
  const other = new RowRing(ring.memory)
  for (let round = 0; round < 400; round++) {
    const marks = Array.from({ length: 1 + (round % 3) }, (_, i) => filling.add(1 + ((round + i) % 40)))
    for (const [from, to] of marks) expect(ring.put(0, 5, filling.rows, from, to)).toBe(true)
    for (const [from, to] of marks)
      expect(other.take(0)).toEqual({ type: 'rows', id: 5, rows: rowsBetween(filling.rows, from, to) })
    expect(other.take(0)).toBeUndefined()
    expect(ring.waiting).toBe(0)
  }
})

it('takes no more than it has room for, and what it took is whole', () => {
  const filling = new Filling()
  const ring = new RowRing()
  const put: [BuilderMark, BuilderMark][] = []
  for (;;) {
    const marks = filling.add(50)
    if (!ring.put(0, 1, filling.rows, ...marks)) break
    put.push(marks)
  }
  expect(put.length).toBeGreaterThan(20)
  for (const marks of put) expect(ring.take(0)?.rows).toEqual(rowsBetween(filling.rows, ...marks))
  expect(ring.take(0)).toBeUndefined()
  expect(ring.put(0, 1, filling.rows, ...filling.add(2_000))).toBe(false)
  expect(ring.put(0, 1, filling.rows, ...filling.add(50))).toBe(true)
})

it('keeps back what comes after a message that was not heard', () => {
  const filling = new Filling()
  const ring = new RowRing()
  ring.put(3, 1, filling.rows, ...filling.add(1))
  expect(ring.take(2)).toBeUndefined()
  expect(ring.take(3)).toBeDefined()
})

/** A writer's end, and what its reader has heard. */
function channel(): { feed: ChangeFeed; changes: HeardChanges; heard: Change[]; close: () => void } {
  const { port1, port2 } = new MessageChannel()
  const feed = new ChangeFeed()
  const heard: Change[] = []
  const changes = new HeardChanges(threadPort<Told, never>(port2), (change) => heard.push(change))
  feed.join('lookup_reader', threadPort<Switched | Held, Told>(port1), [])
  return { feed, changes, heard, close: () => port1.close() }
}

const wordOf = (change: Change): string =>
  change.type === 'rows'
    ? `rows ${change.rows.count}`
    : change.type === 'block'
      ? `block ${change.offset}`
      : change.type

function block(offset: number): Change {
  return { type: 'block', id: 1, offset, indexSize: 0, traces: new Uint32Array() }
}

it('rows and messages are heard in the order in which they were told', () => {
  const filling = new Filling()
  const { feed, changes, heard, close } = channel()
  const told = ['joined']
  for (let i = 0; i < 300; i++) {
    // Some are too large for the ring, and go as a message.
    const spans = i % 50 === 49 ? 2_000 : 1 + (i % 5)
    feed.tellRows(1, filling.rows, ...filling.add(spans))
    told.push(`rows ${spans}`)
    if (i % 7 === 0) {
      feed.tell(block(i))
      told.push(`block ${i}`)
    }
    if (i % 20 === 0) changes.catchUp()
  }
  changes.catchUp()
  expect(heard.map(wordOf)).toEqual(told)
  close()
})

it('nobody is woken for a few rows; who does not ask is when they become too many', async () => {
  const filling = new Filling()
  const { feed, heard, close } = channel()
  const told = (): number => heard.filter(({ type }) => type === 'rows').length
  const turns = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  }
  feed.tellRows(1, filling.rows, ...filling.add(5))
  await turns()
  expect(told()).toBe(0)
  for (let i = 0; i < 1_000; i++) {
    feed.tellRows(1, filling.rows, ...filling.add(5))
    if (i % 10 === 0) await turns()
  }
  expect(told()).toBeGreaterThan(200)
  close()
})

it('what is acknowledged lies there before it is', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-ring-'))
  const { feed, changes, heard, close } = channel()
  const told: number[] = []
  let answered = (): void => {}
  const main: Port<ToWriter, FromWriter> = {
    post({ type }) {
      changes.catchUp()
      if (type === 'durable') told.push(heard.filter((change) => change.type === 'rows').length)
      answered()
    },
    onMessage() {},
    receive: () => undefined,
    close() {},
  }
  const ingest = new Ingest(settingsOf({ directory, seal: false }), nodeFileSystem, systemClock, feed, main)
  ingest.open()
  for (let trace = 0; trace < 3; trace++) {
    const bytes = requestOf([sent({ trace, id: 1 })])
    const answer = new Promise<void>((resolve) => (answered = resolve))
    ingest.append(new Uint8Array(bytes).buffer, [trace], [bytes.length])
    await answer
  }
  expect(told).toEqual([1, 2, 3])
  await ingest.close()
  close()
  rmSync(directory, { recursive: true, force: true })
})
