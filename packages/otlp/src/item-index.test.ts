import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countItems } from './count.ts'
import { flat, requestsOf, SIGNAL_TYPES } from './flat.test.helper.ts'
import { indexItems } from './item-index.ts'
import { extractItems, splitItems } from './splice.ts'

const FIELD = (tag: number, ...content: number[]): number[] => [tag, content.length, ...content]

describe.each(SIGNAL_TYPES)('items of $signal', ({ signal, type }) => {
  it('are found, all of them', () => {
    fc.assert(
      fc.property(requestsOf(type), fc.integer({ min: 0, max: 3 }), (bytes, capacity) => {
        expect(indexItems(signal, bytes, capacity).count).toBe(countItems(signal, bytes))
      }),
    )
  })

  it('are extracted with all that is around them, in the order asked for', () => {
    fc.assert(
      fc.property(requestsOf(type), fc.array(fc.nat(), { maxLength: 6 }), (bytes, picks) => {
        const index = indexItems(signal, bytes)
        const rows = index.count === 0 ? [] : picks.map((pick) => pick % index.count)
        const all = flat(signal, bytes)
        expect(flat(signal, extractItems(bytes, rows, index))).toEqual(rows.map((row) => all[row]))
      }),
    )
  })

  it('are divided by count, the first part apart', () => {
    fc.assert(
      fc.property(
        requestsOf(type),
        fc.integer({ min: 1, max: 7 }),
        fc.integer({ min: 1, max: 7 }),
        (bytes, maxItems, firstItems) => {
          const parts = splitItems(signal, bytes, { maxItems, firstItems })
          const count = countItems(signal, bytes)
          expect(parts.map((part) => countItems(signal, part.bytes))).toEqual(parts.map(({ items }) => items))
          expect(parts.flatMap((part) => flat(signal, part.bytes))).toEqual(flat(signal, bytes))
          if (count <= firstItems) expect(parts[0]!.bytes).toBe(bytes)
          else {
            const rest = count - firstItems
            const full = Array.from({ length: Math.floor(rest / maxItems) }, () => maxItems)
            const left = rest % maxItems
            expect(parts.map(({ items }) => items)).toEqual([firstItems, ...full, ...(left > 0 ? [left] : [])])
          }
        },
      ),
    )
  })

  it('are divided by bytes, and no more than they must be', () => {
    fc.assert(
      fc.property(requestsOf(type), fc.integer({ min: 1, max: 2000 }), (bytes, maxBytes) => {
        const parts = splitItems(signal, bytes, { maxBytes })
        expect(parts.flatMap((part) => flat(signal, part.bytes))).toEqual(flat(signal, bytes))
        for (const part of parts) {
          if (part.bytes.length > maxBytes) expect(part.items).toBeLessThanOrEqual(1)
        }
        if (bytes.length <= maxBytes) expect(parts).toEqual([{ bytes, items: countItems(signal, bytes) }])
      }),
    )
  })
})

describe('a metric', () => {
  const gauge = FIELD(0x2a, ...FIELD(0x0a, 0x40, 1), ...FIELD(0x0a, 0x40, 2), 0x78, 9)
  const metric = FIELD(0x12, ...FIELD(0x0a, 0x6d), ...gauge, ...FIELD(0x62, 0x0a, 1, 0x6b))
  const bytes = Uint8Array.from(FIELD(0x0a, ...FIELD(0x12, ...metric)))

  it('is divided between its points, and each part has its name, its metadata and what is not known', () => {
    const parts = splitItems('metrics', bytes, { maxItems: 1 })
    const expected = (value: number): number[] =>
      FIELD(
        0x0a,
        ...FIELD(
          0x12,
          ...FIELD(
            0x12,
            ...FIELD(0x0a, 0x6d),
            ...FIELD(0x62, 0x0a, 1, 0x6b),
            ...FIELD(0x2a, 0x78, 9, ...FIELD(0x0a, 0x40, value)),
          ),
        ),
      )
    expect(parts.map((part) => [...part.bytes])).toEqual([expected(1), expected(2)])
  })
})

it('fills a part to the byte', () => {
  const record = FIELD(0x12, ...FIELD(0x1a, 1, 2, 3))
  const bytes = Uint8Array.from(FIELD(0x0a, ...FIELD(0x12, ...Array.from({ length: 6 }, () => record).flat())))
  const two = 4 + 2 * record.length
  const items = (maxBytes: number): number[] => splitItems('logs', bytes, { maxBytes }).map((part) => part.items)
  expect(items(two)).toEqual([2, 2, 2])
  expect(items(two - 1)).toEqual([1, 1, 1, 1, 1, 1])
})

it('refuses limits below 1', () => {
  for (const limits of [{ maxItems: 0 }, { maxBytes: Number.NaN }, { firstItems: -1 }]) {
    expect(() => splitItems('logs', new Uint8Array(0), limits)).toThrow(RangeError)
  }
})
