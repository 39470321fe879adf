import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatch } from '@spoor/otlp'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { find, spansOf } from '../../conformance/harness.ts'
import { attributes, batchOf, MS, requestOf, sent, T0, traceId, type SentSpan } from '../../conformance/spans.ts'
import { collectSearch, type TraceStore } from '../../contract.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { FILE_HEADER, readRecord, writeFully } from '../files/log.ts'
import { BLOCK_SPANS } from '../options.ts'
import { areSound } from '../read/block-meta.ts'
import { BlockBuilder } from './builder.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-blocks-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

const TRACES = 250
const SPANS_A_TRACE = 40

/** Spans whose traces are spread over all of the ingest: the k-th spans of all traces come before the (k + 1)-th of any. */
function spreadSpans(): SentSpan[] {
  const spans: SentSpan[] = []
  for (let k = 0; k < SPANS_A_TRACE; k++) {
    for (let trace = 0; trace < TRACES; trace++) {
      const nth = attributes({ nth: `${trace}/${k}`, trace: BigInt(trace) })
      const parent = k === 0 ? {} : { parent: k }
      spans.push(
        sent({ trace, id: k + 1, ...parent, service: `s${k % 3}`, at: trace + k, ms: 100 - k, attributes: nth }),
      )
    }
  }
  return spans
}

it('finds traces whose spans lie in many blocks', async () => {
  const spans = spreadSpans()
  const store = await openInSameThread({ directory })
  const appends: Promise<void>[] = []
  for (let i = 0, size = 1; i < spans.length; i += size, size = ((size * 7) % 613) + 1) {
    appends.push(store.append(batchOf(...spans.slice(i, i + size))))
  }
  await Promise.all(appends)
  const check = async (opened: TraceStore): Promise<void> => {
    const stats = await opened.stats()
    expect(stats.spans).toBe(spans.length)
    expect(stats.blocks).toBeGreaterThan(spans.length / BLOCK_SPANS)
    const own = spans.filter(({ span }) => span.traceId === traceId(123))
    expect(await spansOf(opened, traceId(123))).toEqual(own)
    expect(await find(opened, { limit: 120 })).toEqual(
      Array.from({ length: TRACES }, (_, i) => traceId(TRACES - 1 - i)),
    )
    expect(await find(opened, { limit: 120, order: 'oldest' })).toEqual(
      Array.from({ length: TRACES }, (_, i) => traceId(i)),
    )
    for (const nth of ['0/0', '123/20', `${TRACES - 1}/${SPANS_A_TRACE - 1}`]) {
      const page = await collectSearch(
        opened.search({ filter: { op: 'eq', target: { attribute: 'nth' }, value: nth } }),
      )
      expect(page.traces).toMatchObject([{ traceId: traceId(Number.parseInt(nth)), spans: SPANS_A_TRACE, orphans: 0 }])
    }
    const calls = Math.floor((TRACES * (SPANS_A_TRACE - 1)) / 3)
    expect((await opened.dependencies(0n, 1n << 63n)).edges).toMatchObject([
      { parent: 's0', child: 's1', calls, errors: 0 },
      { parent: 's1', child: 's2', calls, errors: 0 },
      { parent: 's2', child: 's0', calls, errors: 0 },
    ])
  }
  await check(store)
  await store.close()
  const again = await openInSameThread({ directory, cacheBytes: 1 << 20 })
  expect((await again.stats()).recovered).toEqual({ blocks: 0, tornBytes: 0 })
  await check(again)
  await again.close()
})

it('takes a batch that is larger than a block and than the limit of bytes in flight', async () => {
  const store = await openInSameThread({ directory, maxPendingBytes: 1000 })
  const spans = Array.from({ length: 2 * BLOCK_SPANS + 3 }, (_, i) => sent({ trace: i % 3, id: i + 1 }))
  await store.append(batchOf(...spans))
  expect((await store.stats()).spans).toBe(spans.length)
  expect(await spansOf(store, traceId(1))).toEqual(spans.filter(({ span }) => span.traceId === traceId(1)))
  await store.close()
})

it('makes appends wait for room, and serves them all in their order', async () => {
  const store = await openInSameThread({ directory, maxPendingBytes: 2000 })
  const done: number[] = []
  await Promise.all(
    Array.from({ length: 200 }, async (_, i) => {
      await store.append(batchOf(sent({ trace: 1, id: i + 1 })))
      done.push(i)
    }),
  )
  expect(done).toEqual(Array.from({ length: 200 }, (_, i) => i))
  expect((await spansOf(store, traceId(1))).map(({ span }) => Number(`0x${span.spanId}`))).toEqual(
    done.map((i) => i + 1),
  )
  await store.close()
})

it('names the damage when a trace cannot be read, and searches all the rest', async () => {
  const store = await openInSameThread({ directory, segmentBytes: 1 })
  for (let trace = 0; trace < 3; trace++)
    await store.append(batchOf(sent({ trace, id: 1, attributes: attributes({ a: 'x' }) })))
  await store.close()
  const log = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()[1]!
  const path = join(directory, log)
  const file = nodeFileSystem.open(path, 'update')
  const [frame] = readRecord(file, FILE_HEADER, file.size())!.frames
  writeFully(file, [Uint8Array.of(0xaa, 0xaa)], frame!.offset + (frame!.length >> 1))
  file.close()
  const again = await openInSameThread({ directory })
  await expect(spansOf(again, traceId(1))).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining(log) as string,
  })
  const page = await collectSearch(
    again.search({ filter: { op: 'eq', target: { attribute: 'a' }, value: 'x' }, order: 'oldest' }),
  )
  expect(page.traces.map((trace) => trace.traceId)).toEqual([traceId(0), traceId(2)])
  expect(page.complete).toBe(false)
  expect(await spansOf(again, traceId(2))).toHaveLength(1)
  expect(await again.attributeKeys()).toEqual(['a'])
  await again.close()
})

it('keeps spans apart that follow batches without any, also over segments', async () => {
  const store = await openInSameThread({ directory, segmentBytes: 1 })
  const spanless = createBatch('traces', [{ bytes: Uint8Array.of(10, 0), items: 0 }])
  for (let trace = 0; trace < 4; trace++) {
    await store.append(spanless)
    await store.append(batchOf(sent({ trace, id: 1 })))
  }
  for (const opened of [store, undefined]) {
    const current = opened ?? (await openInSameThread({ directory }))
    for (let trace = 0; trace < 4; trace++) expect(await spansOf(current, traceId(trace))).toHaveLength(1)
    expect((await current.stats()).recovered.tornBytes).toBe(0)
    await current.close()
  }
})

it('gives the newest first whatever the times in the blocks', async () => {
  const appends = fc.array(fc.array(fc.record({ trace: fc.nat(12), at: fc.nat(40) }), { minLength: 1, maxLength: 4 }), {
    maxLength: 12,
  })
  await fc.assert(
    fc.asyncProperty(appends, async (batches) => {
      const own = mkdtempSync(join(directory, 'run-'))
      // A segment, and so a block, for each append.
      const store = await openInSameThread({ directory: own, segmentBytes: 1 })
      const starts = new Map<number, number>()
      for (const [i, batch] of batches.entries()) {
        await store.append(batchOf(...batch.map(({ trace, at }, k) => sent({ trace, id: 10 * i + k + 1, at }))))
        for (const { trace, at } of batch) starts.set(trace, Math.min(at, starts.get(trace) ?? Infinity))
      }
      const expected = [...starts].sort(([a, m], [b, n]) => n - m || a - b).map(([trace]) => traceId(trace))
      for (const limit of [1, 3, 50]) expect(await find(store, { limit })).toEqual(expected)
      const from = T0 + 20n * MS
      const matching = new Set(
        batches
          .flat()
          .filter(({ at }) => at >= 20)
          .map(({ trace }) => traceId(trace)),
      )
      expect(await find(store, { limit: 3, from })).toEqual(expected.filter((id) => matching.has(id)))
      await store.close()
    }),
    { numRuns: 4, seed: 4 },
  )
})

it('forgets the groups of spans that are taken back: an index must not point beyond what it describes', () => {
  const builder = new BlockBuilder()
  builder.add(requestOf([sent({ trace: 1, id: 1 })]))
  const mark = builder.mark()
  builder.add(requestOf([sent({ trace: 2, id: 1, service: 'other' })]))
  builder.rollback(mark)
  const { rows } = builder
  expect([rows.count, rows.groupCount]).toEqual([1, 1])
  rows.frames.push({ rawStart: 0, rawLength: builder.rawLength, offset: 32, length: 10 })
  expect(areSound(rows, 32, 42)).toBe(true)
  // As versions before left it.
  rows.groups.fill(10_000, 4 * rows.groupCount, 4 * ++rows.groupCount)
  expect(areSound(rows, 32, 42)).toBe(true)
  rows.group[0] = 1
  expect(areSound(rows, 32, 42)).toBe(false)
})
