import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countSpans } from './count.ts'
import { decodeTraces } from './decode.ts'
import { encodeSpan, encodeTraces } from './encode.ts'
import { joinBytes } from './join.ts'
import type { Span, TracesData } from './model.ts'
import { columnsFor } from './scan.test.helper.ts'
import { createRandom, scramble } from './scramble.test.helper.ts'
import { extractSpans, spliceSpans, splitSpans } from './splice.ts'
import { oracleTraces, span, traces } from './traces.test.helper.ts'

/** Requests as protobufjs writes them, or with unknown fields and in other orders, and the model that they are. */
const requests = fc.tuple(traces, fc.boolean(), fc.integer()).map(([data, mixed, seed]) => {
  const bytes = oracleTraces(data)
  return { data, bytes: mixed ? scramble('TracesData', bytes, createRandom(seed)) : bytes }
})

/** What splicing should mean: each span replaced by any number of spans, and what is then empty left out. */
function edited(data: TracesData, edit: (span: Span, row: number) => Span[]): TracesData {
  let row = 0
  return {
    resourceSpans: data.resourceSpans
      .map((resourceSpans) => ({
        ...resourceSpans,
        scopeSpans: resourceSpans.scopeSpans
          .map((scopeSpans) => ({ ...scopeSpans, spans: scopeSpans.spans.flatMap((span) => edit(span, row++)) }))
          .filter(({ spans }) => spans.length > 0),
      }))
      .filter(({ scopeSpans }) => scopeSpans.length > 0),
  }
}

/** Every span with its resource and scope, whatever message holds them. */
function flat(data: TracesData): object[] {
  return data.resourceSpans.flatMap(({ resource, scopeSpans, schemaUrl }) =>
    scopeSpans.flatMap(({ scope, spans, schemaUrl: scopeUrl }) =>
      spans.map((span) => ({ resource, schemaUrl, scope, scopeUrl, span })),
    ),
  )
}

describe('spliceSpans', () => {
  it('drops and replaces spans like decoding, editing and encoding', () => {
    fc.assert(
      fc.property(
        requests,
        fc.array(fc.nat({ max: 3 }), { minLength: 40, maxLength: 40 }),
        span,
        (request, choice, other) => {
          const { data, bytes } = request
          const replacement = encodeSpan(other)
          const spliced = spliceSpans(bytes, (row) => {
            const chosen = choice[row % choice.length]
            return chosen === 0 ? 'drop' : chosen === 1 ? replacement : 'keep'
          })
          const expected = edited(data, (span, row) => {
            const chosen = choice[row % choice.length]
            return chosen === 0 ? [] : [chosen === 1 ? other : span]
          })
          if (spliced !== bytes) expect(decodeTraces(spliced)).toEqual(expected)
          expect(flat(decodeTraces(spliced))).toEqual(flat(expected))
        },
      ),
    )
  })

  it('returns the bytes themselves when every span is kept', () => {
    fc.assert(
      fc.property(requests, ({ bytes }) => {
        expect(spliceSpans(bytes, () => 'keep')).toBe(bytes)
      }),
      { numRuns: 20 },
    )
  })

  it('shows each row once, in order, with the columns', () => {
    const bytes = encodeTraces(edited(fc.sample(traces, { numRuns: 1, seed: 4 })[0]!, (span) => [span, span]))
    const rows: number[] = []
    spliceSpans(bytes, (row, columns) => {
      expect(columns.count).toBe(countSpans(bytes))
      rows.push(row)
      return 'drop'
    })
    expect(rows).toEqual(Array.from({ length: countSpans(bytes) }, (_, row) => row))
  })

  it('keeps unknown fields of the request, resources, scopes and spans', () => {
    const unknown = [0xfa, 0x07, 2, 0x68, 0x69]
    const field = (tag: number, ...content: number[]) => [tag, content.length, ...content]
    const spans = [...field(0x12, ...unknown), ...field(0x12, 0x2a, 1, 0x61)]
    const bytes = Uint8Array.from([...field(0x0a, ...unknown, ...field(0x12, ...spans, ...unknown)), ...unknown])
    const kept = [...unknown, ...field(0x12, ...unknown, ...field(0x12, ...unknown))]
    expect([...spliceSpans(bytes, (row) => (row === 0 ? 'keep' : 'drop'))]).toEqual([
      ...unknown,
      ...field(0x0a, ...kept),
    ])
  })
})

describe('splitSpans', () => {
  it('makes parts of at most so many spans, which together are the request', () => {
    fc.assert(
      fc.property(requests, fc.integer({ min: 1, max: 12 }), ({ data, bytes }, maxItems) => {
        const parts = splitSpans(bytes, maxItems)
        const counts = parts.map(countSpans)
        for (const count of counts.slice(0, -1)) expect(count).toBe(maxItems)
        expect(counts.at(-1)).toBeLessThanOrEqual(maxItems)
        expect(parts.flatMap((part) => flat(decodeTraces(part)))).toEqual(flat(data))
        if (countSpans(bytes) <= maxItems) expect(parts).toEqual([bytes])
      }),
    )
  })

  it('refuses a size below 1', () => {
    for (const size of [0, -1, Number.NaN]) expect(() => splitSpans(new Uint8Array(0), size)).toThrow(RangeError)
  })
})

describe('extractSpans', () => {
  it('takes the rows that are asked for, in that order', () => {
    fc.assert(
      fc.property(requests, fc.array(fc.nat(), { maxLength: 6 }), ({ data, bytes }, picks) => {
        const columns = columnsFor(bytes)
        const rows = columns.count === 0 ? [] : picks.map((pick) => pick % columns.count)
        const all = flat(data)
        expect(flat(decodeTraces(extractSpans(bytes, rows, columns)))).toEqual(rows.map((row) => all[row]))
        expect(flat(decodeTraces(extractSpans(bytes, Uint32Array.from(rows), columns)))).toHaveLength(rows.length)
      }),
    )
  })
})

describe('joinBytes', () => {
  it('makes one request of several', () => {
    fc.assert(
      fc.property(fc.array(requests, { maxLength: 4 }), (parts) => {
        const joined = decodeTraces(joinBytes(parts.map(({ bytes }) => bytes)))
        expect(joined.resourceSpans).toEqual(parts.flatMap(({ data }) => data.resourceSpans))
      }),
      { numRuns: 30 },
    )
  })
})
