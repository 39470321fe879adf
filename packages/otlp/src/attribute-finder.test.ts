import { describe, expect, it } from 'vitest'
import { AttributeFinder, rangeOf } from './attribute-finder.ts'
import { encodeKeyValue, encodeSpan } from './encode.ts'
import { createSpanColumns } from './columns.ts'
import { scanSpans } from './scan.ts'
import { joinBytes } from './join.ts'
import { decodeAnyValue, decodeSpan } from './decode.ts'

const text = (value: string) => new TextEncoder().encode(value)
const field = (tag: number, content: Uint8Array) => Uint8Array.from([tag, content.length, ...content])
const span = (...keyValues: Uint8Array[]) => joinBytes(keyValues.map((each) => field(0x4a, each)))
const plain = (key: string, value: string) => joinBytes([field(0x0a, text(key)), field(0x12, field(0x0a, text(value)))])

const inRequest = (bytes: Uint8Array) => [0x12, 0x12, 0x0a].reduce((inner, tag) => varField(tag, inner), bytes)
const varField = (tag: number, content: Uint8Array) =>
  joinBytes([new Uint8Array([tag, (content.length & 127) | 128, content.length >> 7]), content])

/** Puts the span into a request, and looks there; the ranges are as of the span alone. */
function scan(finder: AttributeFinder, bytes: Uint8Array): void {
  const request = inRequest(bytes)
  const columns = createSpanColumns()
  finder.begin(1)
  scanSpans(request, columns, finder)
  const before = columns.spanStart[0]!
  for (let i = 0; i < finder.size; i++) {
    if (finder.start[i]! < 0) continue
    finder.start[i]! -= before
    finder.end[i]! -= before
  }
}

describe('AttributeFinder', () => {
  const finder = new AttributeFinder(['http.method', 'http.target', 'é'])
  const found = (bytes: Uint8Array): unknown[] => {
    scan(finder, bytes)
    return [...finder.start].map((start, i) => (start < 0 ? undefined : decodeAnyValue(bytes, start, finder.end[i])))
  }

  it('finds the first value of each key, and of no others', () => {
    const bytes = span(plain('http.target', 'a'), plain('http.targe', 'b'), plain('é', ''), plain('http.target', 'c'))
    expect(found(bytes)).toEqual([undefined, { type: 'string', value: 'a' }, { type: 'string', value: '' }])
    expect(found(new Uint8Array(0))).toEqual([undefined, undefined, undefined])
  })

  it('finds long keys and long values', () => {
    const long = 'k'.repeat(200)
    const keyed = new AttributeFinder([long, 'a'])
    const value = encodeKeyValue({ key: 'a', value: { type: 'string', value: 'v'.repeat(300) } })
    const other = encodeKeyValue({ key: long, value: { type: 'int', value: 5n } })
    const bytes = joinBytes([value, other].map((each) => varField(0x4a, each)))
    scan(keyed, bytes)
    expect([...keyed.start].map((start, i) => decodeAnyValue(bytes, start, keyed.end[i]))).toEqual([
      { type: 'int', value: 5n },
      { type: 'string', value: 'v'.repeat(300) },
    ])
  })

  it('finds an attribute that is not in the plain form as a whole', () => {
    const odd = joinBytes([field(0x12, field(0x0a, text('v'))), field(0x0a, text('http.method'))])
    const bytes = span(plain('other', 'x'), odd)
    scan(finder, bytes)
    expect(bytes.subarray(finder.start[0], finder.end[0])).toEqual(odd)
  })

  it('steps over all else of a span', () => {
    const decoded = decodeSpan(span(plain('http.method', 'GET')))
    const bytes = encodeSpan({ ...decoded, name: 'op', startTimeUnixNano: 5n, kind: 3, traceState: 'a=b' })
    expect(found(bytes)[0]).toEqual({ type: 'string', value: 'GET' })
  })
})

describe('rangeOf', () => {
  it('is the content of a field that is there once, else the whole', () => {
    const bytes = joinBytes([field(0x12, text('b')), field(0x0a, text('ab'))])
    expect(rangeOf(bytes, 0, bytes.length, 1)).toEqual([5, 7])
    expect(rangeOf(bytes, 0, bytes.length, 3)).toEqual([0, bytes.length])
    const twice = joinBytes([bytes, bytes])
    expect(rangeOf(twice, 0, twice.length, 1)).toEqual([0, twice.length])
  })
})
