import { describe, expect, it } from 'vitest'
import { AttributeFinder, rangeOf } from './attribute-finder.ts'
import { encodeSpan } from './encode.ts'
import { joinBytes } from './join.ts'
import { decodeAnyValue, decodeSpan } from './decode.ts'

const text = (value: string) => new TextEncoder().encode(value)
const field = (tag: number, content: Uint8Array) => Uint8Array.from([tag, content.length, ...content])
const span = (...keyValues: Uint8Array[]) => joinBytes(keyValues.map((each) => field(0x4a, each)))
const plain = (key: string, value: string) => joinBytes([field(0x0a, text(key)), field(0x12, field(0x0a, text(value)))])

describe('AttributeFinder', () => {
  const finder = new AttributeFinder(['http.method', 'http.target', 'é'], 9)
  const found = (bytes: Uint8Array): unknown[] => {
    finder.find(bytes, 0, bytes.length)
    return [...finder.start].map((start, i) => (start < 0 ? undefined : decodeAnyValue(bytes, start, finder.end[i])))
  }

  it('finds the first value of each key, and of no others', () => {
    const bytes = span(plain('http.target', 'a'), plain('http.targe', 'b'), plain('é', ''), plain('http.target', 'c'))
    expect(found(bytes)).toEqual([undefined, { type: 'string', value: 'a' }, { type: 'string', value: '' }])
    expect(found(new Uint8Array(0))).toEqual([undefined, undefined, undefined])
  })

  it('finds an attribute that is not in the plain form as a whole', () => {
    const odd = joinBytes([field(0x12, field(0x0a, text('v'))), field(0x0a, text('http.method'))])
    const bytes = span(plain('other', 'x'), odd)
    finder.find(bytes, 0, bytes.length)
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
