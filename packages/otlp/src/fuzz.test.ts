import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Signal } from './batch.ts'
import { createSpanColumns } from './columns.ts'
import { countItems, countSpans, inspectItems } from './count.ts'
import { decodeKeyValue, decodeResourceHeader, decodeScopeHeader, decodeSpan, decodeTraces } from './decode.ts'
import { editRequest } from './edit.ts'
import { encodeTraces } from './encode.ts'
import { OtlpError } from './error.ts'
import { logsFromJson, metricsFromJson, tracesFromJson } from './from-json.ts'
import { indexItems } from './item-index.ts'
import { joinBytes } from './join.ts'
import { decodeLogs, decodeMetrics } from './message.ts'
import { arbitraryMessage, oracleEncode } from './oracle.test.helper.ts'
import { rejectInvalidSpans } from './reject.ts'
import { decodeExportResponse, decodeStatus } from './response.ts'
import { scanSpans } from './scan.ts'
import { createRandom, scramble, type Random } from './scramble.test.helper.ts'
import { extractSpans, spliceSpans, splitItems, splitSpans } from './splice.ts'
import type { AnyValue } from './model.ts'
import { requestToJson, tracesToJson } from './to-json.ts'
import type { Attributes } from './view/attributes.ts'

/** What a function gives, or the error that it is allowed to throw. Any other error fails the test. */
function outcome<T>(run: () => T): { value: T } | { error: OtlpError } {
  try {
    return { value: run() }
  } catch (error) {
    if (error instanceof OtlpError) return { error }
    throw error
  }
}

const succeeds = (run: () => unknown): boolean => 'value' in outcome(run)

/** Some bytes changed, cut off, left out, doubled or put in; often such that lengths and tags are hit. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const list = [...bytes]
  for (let times = random(3); times >= 0; times--) {
    const at = random(list.length + 1)
    const odd = [0, 1, 0x0a, 0x12, 0x7f, 0x80, 0xff, 0x0b, 0x0c, random(256)][random(10)]!
    switch (random(6)) {
      case 0:
        list.length = at
        break
      case 1:
        list.splice(at, random(9))
        break
      case 2:
        list.splice(at, 0, ...Array.from({ length: 1 + random(12) }, () => odd))
        break
      case 3:
        list.splice(at, 0, ...list.slice(at, at + random(40)))
        break
      case 4:
        if (at < list.length) list[at] = (list[at]! + (random(2) === 0 ? 1 : 255)) & 255
        break
      default:
        if (at < list.length) list[at] = odd
    }
  }
  return Uint8Array.from(list)
}

function damaged(type: string): fc.Arbitrary<Uint8Array> {
  return fc.tuple(arbitraryMessage(type), fc.integer()).map(([message, seed]) => {
    const random = createRandom(seed)
    const bytes = oracleEncode(type, message)
    return damage(random(3) === 0 ? scramble(type, bytes, random) : bytes, random)
  })
}

/** Random bytes, most of them small, as tags and lengths are. */
const noise = fc
  .array(fc.oneof(fc.nat({ max: 0x30 }), fc.nat({ max: 255 })), { maxLength: 60 })
  .map((list) => Uint8Array.from(list))

const SIGNALS: readonly { signal: Signal; type: string; fromJson: (text: string) => Uint8Array }[] = [
  { signal: 'traces', type: 'TracesData', fromJson: tracesFromJson },
  { signal: 'logs', type: 'LogsData', fromJson: logsFromJson },
  { signal: 'metrics', type: 'MetricsData', fromJson: metricsFromJson },
]

describe.each(SIGNALS)('damaged $signal', ({ signal, type, fromJson }) => {
  it('are counted exactly when they can be read, and then can be read from JSON too', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: damaged(type) }, noise), (bytes) => {
        const counted = outcome(() => countItems(signal, bytes))
        const json = outcome(() => requestToJson(signal, bytes))
        expect('value' in json).toBe('value' in counted)
        if (!('value' in json)) return
        const again = fromJson(JSON.stringify(json.value))
        expect(countItems(signal, again)).toBe('value' in counted && counted.value)
        expect(requestToJson(signal, fromJson(JSON.stringify(requestToJson(signal, again))))).toEqual(
          requestToJson(signal, again),
        )
      }),
      { numRuns: 150 },
    )
  })
})

describe.each([
  { signal: 'logs', type: 'LogsData', decode: decodeLogs },
  { signal: 'metrics', type: 'MetricsData', decode: decodeMetrics },
] as const)('damaged $signal as objects', ({ signal, type, decode }) => {
  it('are counted exactly when they can be decoded', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: damaged(type) }, noise), (bytes) => {
        const counted = outcome(() => countItems(signal, bytes))
        const decoded = outcome(() => decode(bytes))
        expect('value' in decoded).toBe('value' in counted)
        if ('error' in counted && 'error' in decoded) expect(decoded.error.code).toBe(counted.error.code)
      }),
      { numRuns: 150 },
    )
  })
})

describe.each(SIGNALS)('damaged $signal as items', ({ signal, type }) => {
  it('are found and divided, or an OtlpError', () => {
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: damaged(type) }, noise), (bytes) => {
        const counted = outcome(() => countItems(signal, bytes))
        const index = outcome(() => indexItems(signal, bytes))
        const parts = outcome(() => splitItems(signal, bytes, { maxItems: 1, maxBytes: 50 }))
        expect('value' in parts).toBe('value' in index)
        if (!('value' in counted) || !('value' in index) || !('value' in parts)) return
        expect(index.value.count).toBe(counted.value)
        expect(parts.value.reduce((sum, part) => sum + countItems(signal, part.bytes), 0)).toBe(counted.value)
      }),
      { numRuns: 150 },
    )
  })
})

describe.each(SIGNALS)('damaged $signal that are edited', ({ signal, type }) => {
  it('can be read afterwards where they could before, or give an OtlpError', () => {
    const value: AnyValue = { type: 'string', value: 'v' }
    const change = (view: { readonly attributes?: Attributes; name?: string; drop(): void }, random: Random): void => {
      if (random(3) === 0) view.attributes?.set('service.name', value)
      if (random(3) === 0) view.attributes?.rename('service.name', 'k')
      if (random(9) === 0 && 'name' in view) view.name = 'n'
      if (random(9) === 0) view.drop()
    }
    fc.assert(
      fc.property(fc.oneof({ weight: 4, arbitrary: damaged(type) }, noise), fc.integer(), (bytes, seed) => {
        const random = createRandom(seed)
        const edited = outcome(() =>
          editRequest(signal, bytes, {
            resource: (view) => change(view, random),
            scope: (view) => change(view, random),
            item(view) {
              if ('forEachEvent' in view) view.forEachEvent((event) => change(event, random))
              if ('forEachPoint' in view) view.forEachPoint((point) => change(point, random))
              change(view, random)
            },
          }),
        )
        const counted = outcome(() => countItems(signal, bytes))
        if ('value' in counted) expect('value' in edited && countItems(signal, edited.value)).not.toBe(false)
      }),
      { numRuns: 150 },
    )
  })
})

describe('damaged traces as spans', () => {
  const requests = fc.oneof({ weight: 4, arbitrary: damaged('TracesData') }, noise)

  it('are counted exactly when they can be decoded, and then can be scanned', () => {
    fc.assert(
      fc.property(requests, (bytes) => {
        const counted = outcome(() => countSpans(bytes))
        const decoded = outcome(() => decodeTraces(bytes))
        const columns = createSpanColumns(1)
        const scanned = succeeds(() => scanSpans(bytes, columns))
        expect('value' in decoded).toBe('value' in counted)
        if ('error' in counted && 'error' in decoded) {
          expect(decoded.error.code).toBe(counted.error.code)
          expect(counted.error.offset).toBeGreaterThanOrEqual(0)
          expect(counted.error.offset).toBeLessThanOrEqual(bytes.length)
        }
        if (!('value' in decoded) || !('value' in counted)) return
        expect(scanned).toBe(true)
        expect(columns.count).toBe(counted.value)
        expect(decodeTraces(encodeTraces(decoded.value))).toEqual(decoded.value)
        expect(decodeTraces(tracesFromJson(tracesToJson(bytes)))).toEqual(decoded.value)
      }),
      { numRuns: 200 },
    )
  })

  it('can be read without the spans whose ids are wrong, and nothing else is missing then', () => {
    fc.assert(
      fc.property(requests, (bytes) => {
        const inspected = outcome(() => inspectItems('traces', bytes)!)
        const counted = outcome(() => countSpans(bytes))
        if ('error' in inspected) {
          expect('error' in counted).toBe(true)
          return
        }
        const { items, invalidSpans } = inspected.value
        const rest = rejectInvalidSpans(bytes)
        expect(rest.rejected).toBe(invalidSpans)
        expect(inspectItems('traces', rest.bytes)).toEqual({ items: items - invalidSpans, invalidSpans: 0 })
        expect(countSpans(rest.bytes)).toBe(items - invalidSpans)
        if ('error' in counted) expect([counted.error.code, invalidSpans > 0]).toEqual(['id_length', true])
      }),
      { numRuns: 200 },
    )
  })

  it('are spliced and split when they can be scanned, within their bytes', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 3 }), (bytes, step) => {
        const columns = createSpanColumns(1)
        const scanned = succeeds(() => scanSpans(bytes, columns))
        expect(succeeds(() => spliceSpans(bytes, (row) => (row % 2 === 0 ? 'keep' : 'drop')))).toBe(scanned)
        expect(succeeds(() => splitSpans(bytes, step))).toBe(scanned)
        for (let row = 0; row < columns.count; row++) {
          const { spanStart, spanEnd, scopeStart, scopeEnd, resourceStart, resourceEnd, nameStart, nameEnd } = columns
          const order = [resourceStart, scopeStart, spanStart, spanEnd, scopeEnd, resourceEnd].map(
            (column) => column[row]!,
          )
          expect([...order].sort((a, b) => a - b)).toEqual(order)
          expect(resourceEnd[row]).toBeLessThanOrEqual(bytes.length)
          if (nameEnd[row]! > 0) expect(nameStart[row]).toBeGreaterThan(spanStart[row]!)
          expect(nameEnd[row]).toBeLessThanOrEqual(spanEnd[row]!)
          const one = extractSpans(bytes, [row], columns)
          const again = createSpanColumns(1)
          scanSpans(one, again)
          expect(again.count).toBe(1)
        }
      }),
      { numRuns: 150 },
    )
  })
})

describe('every reader of single messages', () => {
  const readers = [decodeSpan, decodeKeyValue, decodeStatus, decodeExportResponse]

  it('gives a result or an OtlpError for any bytes', () => {
    const bytes = fc.oneof(damaged('Span'), damaged('KeyValue'), damaged('RpcStatus'), noise)
    fc.assert(
      fc.property(bytes, (bytes) => {
        for (const read of readers) outcome(() => read(bytes))
        outcome(() => decodeResourceHeader(bytes, 0, bytes.length))
        outcome(() => decodeScopeHeader(bytes, 0, bytes.length))
      }),
      { numRuns: 150 },
    )
  })

  it('does not read beyond the end of a range', () => {
    fc.assert(
      fc.property(damaged('Span'), fc.uint8Array({ maxLength: 20 }), (bytes, after) => {
        const inside = outcome(() => decodeSpan(bytes))
        const longer = Uint8Array.from([...bytes, ...after])
        const within = outcome(() => decodeSpan(longer, 0, bytes.length))
        expect(within).toEqual(inside)
      }),
    )
  })
})

describe('damaged JSON', () => {
  it.each(SIGNALS)('of $signal gives bytes that can be read, or an OtlpError', ({ signal, type, fromJson }) => {
    const texts = fc.tuple(arbitraryMessage(type), fc.integer()).map(([message, seed]) => {
      const json = JSON.stringify(requestToJson(signal, oracleEncode(type, message)))
      return replaceValue(json, createRandom(seed))
    })
    fc.assert(
      fc.property(fc.oneof(texts, fc.json()), (text) => {
        const result = outcome(() => fromJson(text))
        if ('value' in result) countItems(signal, result.value)
      }),
      { numRuns: 150 },
    )
  })
})

/** The text with a few values in it replaced by others of all types. */
function replaceValue(json: string, random: Random): string {
  const others = [
    'null',
    '{}',
    '[]',
    '[[1]]',
    '""',
    '"-1"',
    '"zz"',
    '1e400',
    '-0',
    '1.5',
    '99999999999999999999',
    'true',
    ',',
  ]
  const values = [...json.matchAll(/"[^"]*"(?!:)|-?\d+|true|false|\{\}|\[\]/g)]
  for (let times = random(3); times >= 0 && values.length > 0; times--) {
    const { 0: text, index } = values[random(values.length)]!
    if (json.startsWith(text, index))
      json = json.slice(0, index) + others[random(others.length)]! + json.slice(index + text.length)
  }
  return json
}

describe('requests made to cost time', () => {
  it('are read in time that grows with their length', () => {
    const many = (pattern: readonly number[], length: number) =>
      Uint8Array.from({ length }, (_, i) => pattern[i % pattern.length]!)
    for (const pattern of [[0x0a, 0], [0x0a, 2, 0x12, 0], [0x80], [0xff], [0x12, 0], [0x0a, 4, 0x12, 2, 0x12, 0]]) {
      const bytes = many(pattern, 300_000)
      const counted = outcome(() => countSpans(bytes))
      expect(succeeds(() => scanSpans(bytes, createSpanColumns()))).toBe('value' in counted)
      expect(succeeds(() => splitSpans(bytes, 1000))).toBe('value' in counted)
    }
  })

  it('are edited and decoded in time that grows with their length', () => {
    const field = (tag: number, content: Uint8Array): Uint8Array => {
      const size = content.length
      const header = [tag, (size & 127) | 128, ((size >> 7) & 127) | 128, ((size >> 14) & 127) | 128, size >> 21]
      return joinBytes([Uint8Array.from(header), content])
    }
    const many = (...pattern: number[]): Uint8Array =>
      Uint8Array.from({ length: 100_000 * pattern.length }, (_, i) => pattern[i % pattern.length]!)
    const sameKey = field(0x0a, field(0x12, field(0x12, many(0x4a, 3, 0x0a, 1, 0x6b))))
    const edited = editRequest('traces', sameKey, {
      item: ({ attributes }) => expect([attributes.rename('l', 'k'), attributes.delete('k')]).toEqual([false, true]),
    })
    expect(countSpans(edited)).toBe(1)
    const spans = field(0x0a, field(0x12, many(0x12, 0)))
    let urls = 0
    editRequest('traces', spans, { item: (_, scope) => void (urls += scope.schemaUrl.length) })
    expect(urls).toBe(0)
    const valuePieces = many(0x2a, 2, 0x2a, 0)
    const body = field(0x0a, field(0x12, field(0x12, valuePieces)))
    expect(decodeLogs(body).resourceLogs).toHaveLength(1)
    const listPieces = joinBytes([Uint8Array.from([0x0a, 1, 0x6b]), many(0x12, 4, 0x2a, 2, 0x0a, 0)])
    expect(decodeKeyValue(listPieces).value).toMatchObject({ type: 'array', value: { length: 100_000 } })
  })

  it('are split in time that grows with their length, however many scopes a resource has', () => {
    const scope = [0x12, 2, 0x12, 0]
    const count = 50_000
    const content = Uint8Array.from({ length: count * scope.length }, (_, i) => scope[i % scope.length]!)
    const length = content.length
    const header = [0x0a, (length & 127) | 128, ((length >> 7) & 127) | 128, length >> 14]
    const bytes = joinBytes([Uint8Array.from(header), content])
    const parts = splitSpans(bytes, 100)
    expect(parts).toHaveLength(count / 100)
    expect(parts.every((part) => countSpans(part) === 100)).toBe(true)
  })
})
