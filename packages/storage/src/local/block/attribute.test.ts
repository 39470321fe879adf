import { encodeKeyValue, type AnyValue } from '@spoor/otlp'
import * as fc from 'fast-check'
import { expect, it } from 'vitest'
import { hashAttribute, numberOf, pairHashes, textOf, valueOf, type Value } from './attribute.ts'
import { compare } from '../read/filter/matcher.ts'
import { HashSet, viewOf } from './hash.ts'

/** Values that are easily taken for one another. */
const TEXTS = [
  '',
  '0',
  '-0',
  '1',
  '200',
  '1.5',
  '1e+21',
  '1000000000000000000000',
  'true',
  'false',
  'NaN',
  'Infinity',
  'AQI=',
  'AQI',
  '[1]',
  '9007199254740993',
  '\ufffd',
  '\ufeffx',
  'x'.repeat(300),
]
const NUMBERS = [
  0,
  -0,
  1,
  200,
  1.5,
  -1,
  1e21,
  2 ** 53,
  2 ** 63,
  -(2 ** 63),
  2 ** 60,
  1152921504606847000,
  Infinity,
  -Infinity,
  Number.NaN,
  5e-324,
]
const INTEGERS = [
  0n,
  1n,
  -1n,
  200n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 60n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  127n,
  128n,
  16384n,
]

const text = fc.oneof(fc.constantFrom(...TEXTS), fc.string(), fc.string({ unit: 'binary' }))
const number = fc.oneof(fc.constantFrom(...NUMBERS), fc.double(), fc.integer())
const integer = fc.oneof(fc.constantFrom(...INTEGERS), fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }))
const { value: anyValue } = fc.letrec<{ value: AnyValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 2 },
    text.map((value) => ({ type: 'string', value }) as const),
    number.map((value) => ({ type: 'double', value }) as const),
    integer.map((value) => ({ type: 'int', value }) as const),
    fc.boolean().map((value) => ({ type: 'bool', value }) as const),
    fc.uint8Array({ maxLength: 8 }).map((value) => ({ type: 'bytes', value }) as const),
    fc.constant({ type: 'empty' } as const),
    fc.array(tie('value'), { maxLength: 2 }).map((value) => ({ type: 'array', value }) as const),
    fc
      .array(fc.record({ key: text, value: tie('value') }), { maxLength: 2 })
      .map((value) => ({ type: 'map', value }) as const),
  ),
}))
/** What the value itself would be asked with, in every form, or something else altogether. */
const question = anyValue.chain((value) => {
  const forms: (Value | boolean)[] = [valueOf(value), textOf(value)]
  const asNumber = numberOf(textOf(value))
  if (asNumber !== undefined) forms.push(asNumber, Number(asNumber))
  if (value.type === 'double' && Number.isInteger(value.value)) forms.push(BigInt(value.value))
  if (value.type === 'bool') forms.push(value.value)
  return fc.tuple(fc.constant(value), fc.oneof(fc.constantFrom(...forms), text, number, integer, fc.boolean()))
})

function hashesOf(bytes: Uint8Array): Set<number> {
  const hashes = new HashSet(100)
  hashAttribute(bytes, viewOf(bytes), 0, bytes.length, hashes)
  expect(hashes.size).toBeGreaterThan(0)
  return new Set(hashes)
}

it('lists the hash of every value that equals what is asked for', () => {
  let equal = 0
  fc.assert(
    fc.property(fc.oneof(fc.constantFrom('k', ''), fc.string({ unit: 'binary' })), question, (key, [value, wanted]) => {
      if (!compare(valueOf(value), 'eq', typeof wanted === 'boolean' ? String(wanted) : wanted)) return
      equal++
      const listed = pairHashes(key, wanted)
      if (!listed) return
      const found = hashesOf(encodeKeyValue({ key, value }))
      expect(listed.some((hash) => found.has(hash === 0 ? 1 : hash))).toBe(true)
    }),
    { numRuns: 1500, seed: 1 },
  )
  expect(equal).toBeGreaterThan(200)
})

it.for([
  ['the value before the key', [0x12, 3, 0x0a, 1, 0x78, 0x0a, 1, 0x6b]],
  ['long forms of lengths', [0x0a, 0x81, 0, 0x6b, 0x12, 0x84, 0, 0x0a, 0x81, 0, 0x78]],
  ['a long inner length', [0x0a, 1, 0x6b, 0x12, 4, 0x0a, 0x81, 0, 0x78]],
  ['an unknown field behind', [0x0a, 1, 0x6b, 0x12, 3, 0x0a, 1, 0x78, 0x18, 1]],
  ['two values, of which the last counts', [0x0a, 1, 0x6b, 0x12, 5, 0x18, 1, 0x0a, 1, 0x78]],
] as const)('hashes an attribute alike that is written with %s', ([, bytes]) => {
  const plain = hashesOf(encodeKeyValue({ key: 'k', value: { type: 'string', value: 'x' } }))
  expect(hashesOf(Uint8Array.from(bytes))).toEqual(plain)
})

it('hashes integers alike in long and short form', () => {
  const plain = hashesOf(encodeKeyValue({ key: 'k', value: { type: 'int', value: 1n } }))
  expect(hashesOf(Uint8Array.of(0x0a, 1, 0x6b, 0x12, 3, 0x18, 0x81, 0))).toEqual(plain)
})
