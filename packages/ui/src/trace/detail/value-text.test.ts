import type { AnyValue } from '@spoor/otlp'
import { describe, expect, it } from 'vitest'
import { valueText } from './value-text.ts'

const string = (value: string): AnyValue => ({ type: 'string', value })

describe('valueText', () => {
  it('keeps whole numbers beyond 2^53 exact, in lists too', () => {
    const big: AnyValue = { type: 'int', value: 9_223_372_036_854_775_807n }
    expect(valueText(big)).toBe('9223372036854775807')
    expect(valueText({ type: 'array', value: [big, string('a')] })).toBe('[9223372036854775807, "a"]')
  })

  it('lays out JSON and leaves other text alone', () => {
    expect(valueText(string('{"a":[1]}'))).toBe('{\n  "a": [\n    1\n  ]\n}')
    expect(valueText(string('{not json'))).toBe('{not json')
  })

  it('shows bytes in hexadecimal and maps as objects', () => {
    expect(valueText({ type: 'bytes', value: Uint8Array.of(0, 255) })).toBe('00ff')
    expect(valueText({ type: 'map', value: [{ key: 'k', value: { type: 'empty' } }] })).toBe('{"k": null}')
  })

  it('breaks long lists into lines', () => {
    const long = valueText({ type: 'array', value: Array.from({ length: 20 }, (_, index) => string(`entry ${index}`)) })
    expect(long.split('\n')).toHaveLength(22)
    expect(JSON.parse(long)).toHaveLength(20)
  })
})
