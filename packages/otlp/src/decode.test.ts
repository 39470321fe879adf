import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countSpans } from './count.ts'
import { decodeKeyValue, decodeResourceHeader, decodeScopeHeader, decodeSpan, decodeTraces } from './decode.ts'
import { encodeKeyValue, encodeSpan, encodeTraces } from './encode.ts'
import { MAX_DEPTH } from './error.ts'
import type { AnyValue } from './model.ts'
import { oracleDecode, oracleEncode } from './oracle.test.helper.ts'
import { columnsFor } from './scan.test.helper.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { tracesToJson } from './to-json.ts'
import { oracleMessage, oracleTraces, requestOf, span, traces } from './traces.test.helper.ts'

const seed = fc.integer()

describe('decodeTraces', () => {
  it('reads what protobufjs writes', () => {
    fc.assert(
      fc.property(traces, (data) => {
        expect(decodeTraces(oracleTraces(data))).toEqual(data)
      }),
    )
  })

  it('reads fields in any order, in pieces, twice, and between unknown ones', () => {
    fc.assert(
      fc.property(traces, seed, (data, seed) => {
        const bytes = scramble('TracesData', oracleTraces(data), createRandom(seed))
        expect(decodeTraces(bytes)).toEqual(data)
      }),
    )
  })

  it('reads an all-zero id as no id', () => {
    const bytes = oracleEncode('Span', { traceId: new Uint8Array(16), parentSpanId: new Uint8Array(8) })
    expect(decodeSpan(bytes)).toMatchObject({ traceId: '', parentSpanId: '' })
  })

  it('reads invalid UTF-8 with replacement characters', () => {
    for (const filler of ['', 'x'.repeat(40)]) {
      const name = Uint8Array.from([0xff, 0x41, 0xc3, ...Buffer.from(filler)])
      const bytes = Uint8Array.from([0x2a, name.length, ...name])
      expect(decodeSpan(bytes).name).toBe(`\uFFFDA\uFFFD${filler}`)
    }
  })

  it('keeps bytes values apart from the message they were in, also when that is a Buffer', () => {
    const bytes = Buffer.from(encodeKeyValue({ key: 'k', value: { type: 'bytes', value: Uint8Array.from([1, 2, 3]) } }))
    const { value } = decodeKeyValue(bytes)
    bytes.fill(0)
    expect(value).toStrictEqual({ type: 'bytes', value: Uint8Array.from([1, 2, 3]) })
  })

  it(`reads AnyValue nested ${MAX_DEPTH} deep, and no deeper`, () => {
    const nested = (levels: number, wrap: (value: AnyValue) => AnyValue): AnyValue => {
      let value: AnyValue = { type: 'int', value: 1n }
      for (let i = 1; i < levels; i++) value = wrap(value)
      return value
    }
    const inSpan = (value: AnyValue) => {
      const attributes = [{ key: 'k', value }]
      return encodeTraces(requestOf([{ ...decodeSpan(new Uint8Array(0)), attributes }]))
    }
    const array = (value: AnyValue): AnyValue => ({ type: 'array', value: [value] })
    const map = (value: AnyValue): AnyValue => ({ type: 'map', value: [{ key: 'k', value }] })
    for (const wrap of [array, map]) {
      const deepest = nested(MAX_DEPTH, wrap)
      expect(decodeTraces(inSpan(deepest)).resourceSpans[0]!.scopeSpans[0]!.spans[0]!.attributes[0]!.value).toEqual(
        deepest,
      )
      expect(countSpans(inSpan(deepest))).toBe(1)
      const deeper = inSpan(nested(MAX_DEPTH + 1, wrap))
      for (const read of [decodeTraces, countSpans, tracesToJson]) {
        expect(() => read(deeper)).toThrow(expect.objectContaining({ code: 'too_deep' }))
      }
    }
  })
})

describe('encodeTraces', () => {
  it('writes what protobufjs reads', () => {
    fc.assert(
      fc.property(traces, (data) => {
        expect(oracleDecode('TracesData', encodeTraces(data))).toEqual(oracleMessage(data))
      }),
    )
  })

  it('writes a message of any length', () => {
    fc.assert(
      fc.property(span, fc.integer({ min: 0, max: 20_000 }), (value, length) => {
        const long = { ...value, name: 'n'.repeat(length), traceState: 'ü'.repeat(length) }
        expect(decodeSpan(encodeSpan(long))).toEqual(long)
      }),
      { numRuns: 30 },
    )
  })

  it('refuses ids that are not hex of their length', () => {
    const data = decodeSpan(new Uint8Array(0))
    expect(() => encodeSpan({ ...data, traceId: 'abcd' })).toThrow('id "abcd" has 4 hex digits, must have 32')
    expect(() => encodeSpan({ ...data, spanId: 'not hex!' })).toThrow('is not hex')
  })
})

describe('headers', () => {
  it('are the resource and the scope of a row', () => {
    fc.assert(
      fc.property(traces, seed, (data, seed) => {
        const bytes = scramble('TracesData', oracleTraces(data), createRandom(seed))
        const columns = columnsFor(bytes)
        let row = 0
        for (const { resource, scopeSpans, schemaUrl } of data.resourceSpans) {
          for (const { scope, spans, schemaUrl: scopeUrl } of scopeSpans) {
            for (const span of spans) {
              const { resourceStart, resourceEnd, scopeStart, scopeEnd, spanStart, spanEnd } = columns
              expect(decodeResourceHeader(bytes, resourceStart[row]!, resourceEnd[row]!)).toEqual({
                resource,
                schemaUrl,
              })
              expect(decodeScopeHeader(bytes, scopeStart[row]!, scopeEnd[row]!)).toEqual({ scope, schemaUrl: scopeUrl })
              expect(decodeSpan(bytes, spanStart[row], spanEnd[row])).toEqual(span)
              row++
            }
          }
        }
        expect(row).toBe(columns.count)
      }),
      { numRuns: 50 },
    )
  })
})
