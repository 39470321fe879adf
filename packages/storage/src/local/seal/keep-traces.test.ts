import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { decodeTraces, type Span } from '@spoor/otlp'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { batchOf, sent, traceId, type SentSpan } from '../../conformance/spans.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { piecesOf, sectionOf } from '../files/read-back.ts'
import { isWhole, readSealed, type SealedHeader } from '../files/sealed-file.ts'
import { listSealed, sealedPath } from '../files/segment.ts'
import { NEW } from '../files/swap.ts'
import type { KeepSettings } from '../options.ts'
import { createRandom } from '../sealed/arbitrary.test.helper.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { edit, sealAll } from '../tools/store.test.helper.ts'
import { TraceKeeper, type KeepTask } from './keep-traces.ts'
import { CannotSeal, Cancelled } from './seal-log.ts'

vi.setConfig({ testTimeout: 120_000 })

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-keep-'))
})

afterEach(() => rmSync(directory, { recursive: true, force: true }))

const NOTHING: KeepSettings = { errors: false, slowerThan: undefined, pinned: false, maxAgeMs: Infinity, share: 0.2 }
const goOn = (): Promise<boolean> => Promise.resolve(true)
const task = (id: number, more: Partial<KeepTask> = {}): KeepTask => ({
  id,
  createdMs: 0,
  endedMs: 0,
  maxBytes: Infinity,
  before: [],
  after: [],
  pins: [],
  ...more,
})

/** A closed store of these spans, some to a request, in sealed segments of some kilobytes. The result is their ids. */
async function filled(spans: readonly SentSpan[], segmentBytes: number, perRequest = 5): Promise<number[]> {
  const store = await openInSameThread({ directory, segmentBytes, seal: false, blockSpans: 16 })
  for (let at = 0; at < spans.length; at += perRequest) await store.append(batchOf(...spans.slice(at, at + perRequest)))
  await store.close()
  await sealAll(directory)
  return listSealed(nodeFileSystem, directory)
}

interface Stored {
  readonly service: string
  readonly span: Span
}

/** All that is in a sealed segment. */
function contentsOf(id: number): { readonly spans: Stored[]; readonly header: SealedHeader } {
  const path = sealedPath(directory, id)
  const file = nodeFileSystem.open(path, 'read')
  try {
    const { sections, header } = readSealed(file, path)
    const spans: Stored[] = []
    for (const placed of sections) {
      const section = sectionOf(file, placed)
      for (const read of piecesOf(section, section.rows()))
        for (const { resource, scopeSpans } of decodeTraces(read()).resourceSpans) {
          const service = resource.attributes.find(({ key }) => key === 'service.name')?.value as { value: string }
          for (const scope of scopeSpans) for (const span of scope.spans) spans.push({ service: service.value, span })
        }
    }
    return { spans, header: header! }
  } finally {
    file.close()
  }
}

const idsOf = (spans: readonly Stored[]): Set<string> => new Set(spans.map(({ span }) => span.traceId))
const sorted = (spans: readonly Stored[]): Stored[] =>
  spans.toSorted((a, b) => (`${a.span.traceId} ${a.span.spanId}` < `${b.span.traceId} ${b.span.spanId}` ? -1 : 1))

/** What is worth to be kept of some spans, said once more as simply as can be. */
function valueOf(spans: readonly Stored[], { errors, slowerThan }: KeepSettings): { errors: string[]; slow: string[] } {
  const withError = errors ? spans.filter(({ span }) => span.status.code === 2).map(({ span }) => span.traceId) : []
  if (slowerThan === undefined) return { errors: withError, slow: [] }
  const byStart = spans.toSorted((a, b) => Number(a.span.startTimeUnixNano - b.span.startTimeUnixNano))
  const requests = [...idsOf(spans)].map((id) => {
    const own = byStart.filter(({ span }) => span.traceId === id)
    return own.find(({ span }) => span.parentSpanId === '') ?? own[0]!
  })
  const duration = ({ span }: Stored): number => Number(span.endTimeUnixNano - span.startTimeUnixNano)
  const slow = [...Map.groupBy(requests, ({ service, span }) => `${service} ${span.name}`).values()].flatMap((same) => {
    const durations = same.map(duration).sort((a, b) => a - b)
    const limit = durations[Math.ceil((slowerThan / 100) * durations.length) - 1]!
    return same.filter((request) => duration(request) > limit).map(({ span }) => span.traceId)
  })
  return { errors: withError, slow }
}

/** Traces whose spans come in pieces, some without a root, some with errors, of few services and operations. */
function randomSpans(seed: number): SentSpan[] {
  const random = createRandom(seed)
  const spans: SentSpan[] = []
  for (let i = 0; i < 420; i++) {
    const trace = Math.max(0, Math.floor(i / 3) - random(random(4) === 0 ? 60 : 3))
    spans.push(
      sent({
        trace,
        id: i + 1,
        at: i,
        ...(random(3) > 0 && { parent: random(420) + 1 }),
        service: `s${random(2)}`,
        name: `operation ${random(2)}`,
        ms: 1 + random(5_000) / 7,
        status: random(40) === 0 ? 2 : random(2),
      }),
    )
  }
  return spans
}

it.each([
  [1, { errors: true }],
  [2, { slowerThan: 60 }],
  [3, { errors: true, slowerThan: 80, pinned: true }],
  [4, { pinned: true }],
] as const)(
  'keeps what a naive program would, whole in its segment and in those beside it (seed %i)',
  async (seed, what) => {
    const policy: KeepSettings = { ...NOTHING, ...what }
    const ids = await filled(randomSpans(seed), 5_000)
    expect(ids.length).toBeGreaterThan(7)
    const pins = policy.pinned ? [traceId(10), traceId(60), traceId(5_000)] : []
    const before = ids.map((id) => contentsOf(id).spans)
    const values = before.map((spans) => valueOf(spans, policy))
    const keeper = new TraceKeeper(nodeFileSystem, directory, policy)
    const kept: Set<string>[] = []
    const total = { pinned: 0, errors: 0, slow: 0, continued: 0 }
    for (const [i, id] of ids.entries()) {
      // Every other one is still beside its segment when the next ones are written.
      const form = await keeper.keep(
        task(id, {
          before: ids.slice(Math.max(0, i - 4), i).map((other) => ({ id: other, isReady: other % 2 === 0 })),
          after: ids.slice(i + 1, i + 5),
          pins,
        }),
        goOn,
      )
      if (id % 2 === 1) nodeFileSystem.rename(sealedPath(directory, id) + NEW, sealedPath(directory, id))
      const here = idsOf(before[i]!)
      const others = [
        ...values.slice(i + 1, i + 5).flatMap(({ errors, slow }) => [...errors, ...slow]),
        ...kept.slice(-4).flatMap((traces) => [...traces]),
      ]
      const expected = { pinned: new Set(pins), errors: new Set(values[i]!.errors), slow: new Set(values[i]!.slow) }
      const because = { pinned: 0, errors: 0, slow: 0, continued: 0 }
      const wanted = new Set<string>()
      for (const trace of here) {
        const reason = (['pinned', 'errors', 'slow'] as const).find((one) => expected[one].has(trace))
        if (!reason && !others.includes(trace)) continue
        wanted.add(trace)
        because[reason ?? 'continued']++
      }
      kept.push(wanted)
      expect(form.traces).toEqual(because)
      for (const reason of ['pinned', 'errors', 'slow', 'continued'] as const) total[reason] += because[reason]
      expect(form.spans).toBe(before[i]!.filter(({ span }) => wanted.has(span.traceId)).length)
    }
    for (const id of ids.filter((one) => one % 2 === 0))
      nodeFileSystem.rename(sealedPath(directory, id) + NEW, sealedPath(directory, id))
    for (const [i, id] of ids.entries()) {
      const { spans, header } = contentsOf(id)
      expect(sorted(spans)).toEqual(sorted(before[i]!.filter(({ span }) => kept[i]!.has(span.traceId))))
      expect(header).toMatchObject({ isKept: true, spans: spans.length })
      const file = nodeFileSystem.open(sealedPath(directory, id), 'read')
      expect(isWhole(file, sealedPath(directory, id))).toBe(true)
      file.close()
    }
    // Each reason that there is has to have been one, and most of it goes.
    expect(total.errors > 0).toBe(policy.errors)
    expect(total.slow > 0).toBe(policy.slowerThan !== undefined)
    expect(total.pinned > 0).toBe(policy.pinned)
    expect(total.continued > 0).toBe(policy.errors || policy.slowerThan !== undefined)
    expect(kept.reduce((sum, traces) => sum + traces.size, 0)).toBeLessThan(
      0.7 * before.reduce((sum, spans) => sum + idsOf(spans).size, 0),
    )
  },
)

it('keeps none for being slow where there are too few to know', async () => {
  const spans = Array.from({ length: 99 }, (_, i) =>
    sent({ trace: i, id: 1, at: i, ms: i + 1, service: 's', name: 'o' }),
  )
  const [id] = await filled(spans, 1_000_000)
  const keeper = new TraceKeeper(nodeFileSystem, directory, { ...NOTHING, slowerThan: 99 })
  expect(await keeper.keep(task(id!), goOn)).toMatchObject({ spans: 0, traces: { slow: 0 } })
  expect(
    await new TraceKeeper(nodeFileSystem, directory, { ...NOTHING, slowerThan: 97 }).keep(task(id!), goOn),
  ).toMatchObject({ spans: 2 })
})

it('leaves nothing of what gets too large, is not wanted any more, or cannot be written', async () => {
  const [id] = await filled(randomSpans(5), 1_000_000)
  const keeper = new TraceKeeper(nodeFileSystem, directory, { ...NOTHING, errors: true })
  await expect(keeper.keep(task(id!, { maxBytes: 500 }), goOn)).rejects.toThrow(CannotSeal)
  // What has been looked into is known, and something is being written.
  await expect(keeper.keep(task(id!), () => Promise.resolve(false))).rejects.toThrow(Cancelled)
  const files = { ...nodeFileSystem }
  files.open = (path, mode) => {
    const file = nodeFileSystem.open(path, mode)
    return mode === 'read' ? file : Object.assign(Object.create(file) as typeof file, failingSync(file))
  }
  await expect(new TraceKeeper(files, directory, { ...NOTHING, errors: true }).keep(task(id!), goOn)).rejects.toThrow(
    'EIO',
  )
  expect(readdirSync(directory).filter((name) => name.endsWith(NEW))).toEqual([])
})

function failingSync(file: ReturnType<typeof nodeFileSystem.open>): object {
  return {
    write: file.write.bind(file),
    truncate: (size: number) => file.truncate(size),
    read: file.read.bind(file),
    size: () => file.size(),
    close: () => file.close(),
    dataSync: (done: (error: Error | null) => void) => done(null),
    sync() {
      throw Object.assign(new Error('EIO: sync'), { code: 'EIO' })
    },
  }
}

it('keeps of a damaged segment what can be read', async () => {
  const [id] = await filled(randomSpans(6), 1_000_000)
  const path = sealedPath(directory, id!)
  const all = contentsOf(id!).spans
  // In the middle of the bytes of its only section.
  edit(path, (bytes) => bytes.fill(0x5a, bytes.length >> 1, (bytes.length >> 1) + 1_000))
  const pins = [...idsOf(all)]
  const keeper = new TraceKeeper(nodeFileSystem, directory, { ...NOTHING, pinned: true })
  const { spans } = await keeper.keep(task(id!, { pins }), goOn)
  expect(spans).toBeLessThan(all.length)
  nodeFileSystem.rename(path + NEW, path)
  const left = contentsOf(id!).spans
  expect(left.length).toBe(spans)
  const known = new Map(all.map((one) => [`${one.span.traceId} ${one.span.spanId}`, one]))
  for (const one of left) expect(one).toEqual(known.get(`${one.span.traceId} ${one.span.spanId}`))
})
