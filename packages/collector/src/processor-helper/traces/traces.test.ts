/** Tables, slabs and lists against plain maps, whatever comes in which order. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { array, assert, boolean, nat, property, tuple } from 'fast-check'
import { createBatch, decodeTraces, type Chunk } from '@spoor/otlp'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createTestLogger, spanIdsIn, tracesRequest } from '../../testkit/index.ts'
import { Arena } from './arena.ts'
import { eachTrace } from './by-trace.ts'
import { TraceLog } from './trace-log.ts'
import { NONE, TraceTable } from './trace-table.ts'

const idOf = (number: number): Uint32Array => new Uint32Array([0, number & 3, 7, number])

test('a table has what was added and not removed, in its order', () => {
  const step = tuple(boolean(), nat({ max: 250 }))
  assert(
    property(array(step, { minLength: 800, maxLength: 1500, size: 'max' }), (steps) => {
      const table = new TraceTable()
      const model = new Map<number, number>()
      for (const [isAdded, number] of steps) {
        const row = table.find(idOf(number), 0)
        expect(row === NONE ? undefined : table.note[row]).toBe(model.get(number))
        if (isAdded && row === NONE) {
          const added = table.add(idOf(number), 0, 0)
          table.note[added] = number * 2
          model.set(number, number * 2)
        } else if (!isAdded && row !== NONE) {
          table.remove(row)
          model.delete(number)
        }
      }
      const rows: number[] = []
      for (let row = table.oldest; row !== NONE; row = table.newerThan(row)) rows.push(table.ids[4 * row + 3]!)
      expect(rows).toEqual([...model.keys()])
      expect(table.size).toBe(model.size)
    }),
    { numRuns: 20 },
  )
})

test('a table grows, and finds all', () => {
  const table = new TraceTable()
  for (let i = 0; i < 5000; i++) {
    const row = table.add(idOf(i), 0, i)
    table.note[row] = i
  }
  for (let i = 0; i < 5000; i++) expect(table.note[table.find(idOf(i), 0)]).toBe(i)
  expect(table.find(idOf(5000), 0)).toBe(NONE)
})

test.each([Infinity, 1024 * 1024])(
  'slabs keep what is needed, %d bytes of them in memory, and are used again',
  (maxMemoryBytes) => {
    let allocated = 0
    const arena = new Arena({
      maxMemoryBytes,
      allocated: (bytes) => (allocated += bytes),
      failed: ({ message }) => expect.fail(message),
    })
    const put = (length: number, value: number): number =>
      arena.put([{ words: idOf(1), at: 0, spans: 1, hasRoot: false, bytes: new Uint8Array(length).fill(value) }])[0]!
    let random = 7
    const next = (below: number): number => (random = (random * 48271) % 2147483647) % below
    const kept: { ref: number; length: number; value: number }[] = []
    for (let i = 0; i < 3000; i++) {
      const length = next(20) === 0 ? next(200_000) : next(3000)
      const value = next(256)
      kept.push({ ref: put(length, value), length, value })
      if (kept.length > 200) arena.remove([kept.splice(next(kept.length), 1)[0]!.ref])
      expect(arena.memoryBytes).toBeLessThan(maxMemoryBytes + 512 * 1024)
    }
    for (const { ref, length, value } of kept) {
      const bytes = arena.read(ref, length)
      expect(bytes.length).toBe(length)
      expect(bytes.every((byte) => byte === value)).toBe(true)
    }
    // 3,000 of them were 20 MB.
    expect(allocated).toBeLessThan(Math.min(16 * 1024 * 1024, maxMemoryBytes + 64 * 256 * 1024))
    arena.remove(kept.map(({ ref }) => ref))
    expect(arena.memoryBytes).toBe(0)
    arena.close()
    expect(allocated).toBe(0)
  },
)

test('a slab whose last fragment goes is not filled on', () => {
  const arena = new Arena({ maxMemoryBytes: Infinity, allocated: () => {}, failed: () => {} })
  const put = (length: number): number =>
    arena.put([
      { words: idOf(1), at: 0, spans: 1, hasRoot: false, bytes: new Uint8Array(length).fill(length & 0xff) },
    ])[0]!
  arena.remove([put(10)])
  const refs = [100_000, 200_000, 30].map((length) => [put(length), length] as const)
  for (const [ref, length] of refs) expect(arena.read(ref, length)).toEqual(new Uint8Array(length).fill(length & 0xff))
})

test('where the file cannot be written, slabs stay in memory, and that is told', () => {
  vi.stubEnv('TMPDIR', '/nowhere')
  onTestFinished(() => void vi.unstubAllEnvs())
  const failed = vi.fn<(error: Error) => void>()
  const arena = new Arena({ maxMemoryBytes: 1, allocated: () => {}, failed })
  const bytes = new Uint8Array(100_000).fill(7)
  const fragment = { words: idOf(1), at: 0, spans: 1, hasRoot: false, bytes }
  const refs = arena.put([fragment, fragment, fragment])
  expect(failed).toHaveBeenCalledTimes(1)
  expect(failed.mock.calls[0]![0].message).toContain('/nowhere')
  expect(arena.isCramped).toBe(true)
  for (const ref of refs) expect(arena.read(ref, bytes.length)).toEqual(bytes)
})

test('a request is divided by trace: every span once, as it came', () => {
  const bytes = tracesRequest({ spans: 60, traces: 7, services: 3, rich: true })
  const chunk: Chunk = createBatch('traces', [{ bytes, items: 60 }]).chunks[0]!
  const parts: Uint8Array[] = []
  const roots: boolean[] = []
  eachTrace(chunk, (trace) => {
    const part = trace.extract(false)
    parts.push(part)
    roots.push(trace.hasRoot)
    expect(spanIdsIn(part)).toHaveLength(trace.spans)
  })
  expect(parts).toHaveLength(7)
  expect(roots).toEqual(parts.map(() => true))
  const spansIn = (each: Uint8Array) =>
    decodeTraces(each).resourceSpans.flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ spans }) => spans.map((span) => ({ span, resource }))),
    )
  const bySpanId = (a: { span: { spanId: string } }, b: { span: { spanId: string } }): number =>
    a.span.spanId < b.span.spanId ? -1 : 1
  expect(parts.flatMap(spansIn).sort(bySpanId)).toEqual(spansIn(bytes).sort(bySpanId))
})

test('a log answers when what was put is in the file, and says so where it cannot be', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'trace-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const options = { fsync: true, logger: createTestLogger() }
  const file = join(folder, 'log')
  const fragment = { words: idOf(1), at: 0, spans: 3, hasRoot: true, bytes: new Uint8Array([1, 2, 3]) }
  const log = TraceLog.open(file, options)
  const [ref] = await log.put([fragment])
  expect(() => TraceLog.open(file, options)).toThrow(`another process has the log of waiting traces in ${file}`)
  log.close()
  await expect(log.put([fragment])).rejects.toMatchObject({ code: 'unavailable', retryable: true })
  const next = TraceLog.open(file, options)
  expect([...next.found()]).toEqual([{ ref, length: 3, spans: 3, hasRoot: true, words: idOf(1), at: 0 }])
  expect(next.read(ref!)).toEqual(fragment.bytes)
  expect(() => next.read(ref! + 1)).toThrow('damaged')
  next.close()
})
