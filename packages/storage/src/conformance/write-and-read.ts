import { createBatch } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { collectSearch } from '../contract.ts'
import { find, spansOf, withStore, type OpenStore } from './harness.ts'
import { attributes, batchOf, hexId, requestOf, sent, T0, traceId, type SentSpan } from './spans.ts'

/** Every field that OTLP has, each with a value that is easy to lose. */
function fullSpan(): SentSpan {
  return sent({
    trace: 1,
    id: 0xfedcba98,
    parent: 7,
    service: 'checkout',
    kind: 5,
    attributes: attributes({
      text: 'größer 🦌',
      yes: true,
      no: false,
      big: 9_223_372_036_854_775_807n,
      small: -9_223_372_036_854_775_808n,
      half: 0.5,
      raw: { type: 'bytes', value: Uint8Array.of(0, 255, 128) },
      list: { type: 'array', value: [{ type: 'int', value: 1n }, { type: 'string', value: '' }, { type: 'empty' }] },
      map: { type: 'map', value: attributes({ inner: 'x' }) },
      nothing: { type: 'empty' },
    }),
    resource: attributes({ 'host.name': 'edge-1' }),
    scope: { name: 'lib', version: '2', attributes: attributes({ s: 1n }), droppedAttributesCount: 4 },
    span: {
      traceState: 'vendor=1,other=2',
      flags: 0x101,
      droppedAttributesCount: 3,
      events: [
        {
          timeUnixNano: T0 + 5n,
          name: 'exception',
          attributes: attributes({ 'exception.type': 'E' }),
          droppedAttributesCount: 1,
        },
      ],
      droppedEventsCount: 2,
      links: [
        {
          traceId: traceId(99),
          spanId: hexId(3, 16),
          traceState: 'a=b',
          attributes: attributes({ why: 'batch' }),
          droppedAttributesCount: 1,
          flags: 1,
        },
      ],
      droppedLinksCount: 9,
      status: { code: 2, message: 'deadline exceeded' },
    },
  })
}

export function writeAndRead(open: OpenStore): void {
  it('gives every field back as it came, at once and after it was closed and opened again', async () => {
    await withStore(open, async (store, directory) => {
      const span = fullSpan()
      await store.append(batchOf(span, sent({ trace: 2, id: 1 })))
      expect(await spansOf(store, traceId(1))).toEqual([span])
      await store.close()
      const again = await open(directory)
      expect(await spansOf(again, traceId(1))).toEqual([span])
      await again.close()
    })
  })

  it('has no chunk for an id that it does not know or that is none', async () => {
    await withStore(open, async (store) => {
      expect(await spansOf(store, traceId(1))).toEqual([])
      await store.append(batchOf(sent({ trace: 1, id: 1 })))
      expect(await spansOf(store, traceId(2))).toEqual([])
      expect(await spansOf(store, 'not an id')).toEqual([])
      expect(await spansOf(store, '')).toEqual([])
    })
  })

  it('gathers a trace over batches, chunks and services, in the order of arrival', async () => {
    await withStore(open, async (store) => {
      const spans = Array.from({ length: 40 }, (_, i) =>
        sent({ trace: i % 4, id: i + 1, service: `s${i % 3}`, at: 40 - i }),
      )
      for (let i = 0; i < spans.length; i += 10) {
        const chunks = [spans.slice(i, i + 3), spans.slice(i + 3, i + 10)].map((part) => ({
          bytes: requestOf(part),
          items: part.length,
        }))
        await store.append(createBatch('traces', chunks))
      }
      for (let trace = 0; trace < 4; trace++) {
        expect(await spansOf(store, traceId(trace))).toEqual(
          spans.filter(({ span }) => span.traceId === traceId(trace)),
        )
      }
    })
  })

  it('leaves the bytes of a batch alone, and does not depend on them later', async () => {
    await withStore(open, async (store) => {
      const bytes = requestOf([sent({ trace: 1, id: 1 })])
      const before = bytes.slice()
      const appended = store.append(createBatch('traces', [{ bytes, items: 1 }]))
      expect(bytes).toEqual(before)
      await appended
      expect(bytes).toEqual(before)
      bytes.fill(0)
      expect(await spansOf(store, traceId(1))).toHaveLength(1)
    })
  })

  it('takes many small appends at once', async () => {
    await withStore(open, async (store) => {
      await Promise.all(
        Array.from({ length: 500 }, (_, i) => store.append(batchOf(sent({ trace: i % 50, id: i + 1 })))),
      )
      expect(await spansOf(store, traceId(7))).toHaveLength(10)
      expect((await store.stats()).spans).toBe(500)
      expect((await store.stats()).appended).toBe(500)
    })
  })

  it('keeps spans of any time: 1970, the far future, a clock that went back', async () => {
    await withStore(open, async (store) => {
      const odd = [
        sent({ trace: 1, id: 1, span: { startTimeUnixNano: 0n, endTimeUnixNano: 0n } }),
        sent({ trace: 2, id: 1, span: { startTimeUnixNano: (1n << 64n) - 1n, endTimeUnixNano: 5n } }),
        sent({ trace: 3, id: 1, span: { startTimeUnixNano: T0, endTimeUnixNano: T0 - 1000n } }),
        sent({ trace: 4, id: 1 }),
      ]
      for (const span of odd) await store.append(batchOf(span))
      for (const [i, span] of odd.entries()) expect(await spansOf(store, traceId(i + 1))).toEqual([span])
      const page = await collectSearch(store.search({}))
      expect(page.traces.map((trace) => trace.traceId)).toEqual(
        [traceId(2), traceId(4), traceId(3), traceId(1)].sort((a, b) => compareStart(odd, b, a)),
      )
      const stats = await store.stats()
      expect(stats.oldest).toBe(0n)
      expect(stats.newest).toBe((1n << 64n) - 1n)
    })
  })

  it('takes batches without a span', async () => {
    await withStore(open, async (store, directory) => {
      // A ResourceSpans without scope and span.
      const spanless = createBatch('traces', [{ bytes: Uint8Array.of(10, 0), items: 0 }])
      await store.append(createBatch('traces', []))
      await store.append(spanless)
      expect((await store.stats()).spans).toBe(0)
      expect(await store.services()).toEqual([])
      expect((await collectSearch(store.search({}))).traces).toEqual([])
      await store.close()
      const again = await open(directory)
      await again.append(spanless)
      await again.append(batchOf(sent({ trace: 1, id: 1 })))
      expect(await find(again, {})).toEqual([traceId(1)])
      expect(await spansOf(again, traceId(1))).toHaveLength(1)
      await again.close()
    })
  })

  it('refuses other signals and what is not OTLP, by name, and keeps what came beside it', async () => {
    await withStore(open, async (store) => {
      await expect(store.append(createBatch('metrics', [{ bytes: Uint8Array.of(10, 0), items: 1 }]))).rejects.toThrow(
        /traces, not metrics/,
      )
      const good = [1, 2].map((id) => store.append(batchOf(sent({ trace: id, id }))))
      const bad = store.append(createBatch('traces', [{ bytes: Uint8Array.of(10, 200, 1, 3), items: 1 }]))
      await expect(bad).rejects.toMatchObject({ name: 'StorageError', code: 'corrupt', retryable: false })
      await Promise.all([...good, store.append(batchOf(sent({ trace: 3, id: 3 })))])
      expect((await store.stats()).spans).toBe(3)
      for (const id of [1, 2, 3]) expect(await spansOf(store, traceId(id))).toHaveLength(1)
    })
  })

  it('drains at close, closes twice, and refuses further appends', async () => {
    await withStore(open, async (store, directory) => {
      const appends = Array.from({ length: 50 }, (_, i) => store.append(batchOf(sent({ trace: 1, id: i + 1 }))))
      await store.close()
      await Promise.all(appends)
      await store.close()
      await expect(store.append(batchOf(sent({ trace: 1, id: 99 })))).rejects.toMatchObject({ code: 'closed' })
      await expect(store.services()).rejects.toMatchObject({ code: 'closed' })
      const again = await open(directory)
      expect(await spansOf(again, traceId(1))).toHaveLength(50)
      await again.close()
    })
  })
}

function compareStart(spans: readonly SentSpan[], a: string, b: string): number {
  const start = (id: string): bigint => spans.find(({ span }) => span.traceId === id)!.span.startTimeUnixNano
  return start(a) < start(b) ? -1 : start(a) > start(b) ? 1 : a < b ? 1 : -1
}
