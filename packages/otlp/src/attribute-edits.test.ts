import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { AttributeEdits, type AttributeStep } from './attribute-edits.ts'
import { editRequest } from './edit.ts'
import { meaning } from './flat.test.helper.ts'
import type { AnyValue } from './model.ts'
import { arbitraryMessage, oracleEncode } from './oracle.test.helper.ts'
import { createRandom, scramble, type Random } from './scramble.test.helper.ts'
import type { Attributes } from './view/attributes.ts'

type Json = { [name: string]: unknown }

const SIGNALS = [
  { signal: 'traces', type: 'TracesData', names: ['resourceSpans', 'scopeSpans', 'spans'] },
  { signal: 'logs', type: 'LogsData', names: ['resourceLogs', 'scopeLogs', 'logRecords'] },
] as const

const KEYS = ['', 'service.name', 'service.mane', 'new.key', 'schlüssel', 'x'.repeat(127)]
const VALUES: readonly [AnyValue, Json][] = [
  [{ type: 'string', value: '' }, { stringValue: '' }],
  [{ type: 'string', value: 'y'.repeat(150) }, { stringValue: 'y'.repeat(150) }],
  [{ type: 'int', value: -5n }, { intValue: '-5' }],
  [{ type: 'bool', value: false }, { boolValue: false }],
  [{ type: 'empty' }, {}],
  [{ type: 'array', value: [{ type: 'double', value: 0.5 }] }, { arrayValue: { values: [{ doubleValue: 0.5 }] } }],
]

interface Step {
  readonly action: AttributeStep['action']
  readonly key: string
  readonly value: number
}

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('insert', 'update', 'upsert', 'delete'),
  key: fc.constantFrom(...KEYS),
  value: fc.nat(VALUES.length - 1),
})
const steps = fc.array(step, { minLength: 1, maxLength: 5 })
const stepOf = ({ action, key, value }: Step): AttributeStep => ({ action, key, value: VALUES[value]![0] })

/** Every item of a request, as protobufjs has it. */
function itemsOf(message: Json, [name, ...deeper]: readonly string[]): Json[] {
  const children = (message[name!] as Json[] | undefined) ?? []
  return deeper.length === 0 ? children : children.flatMap((child) => itemsOf(child, deeper))
}

/** Gives an item attributes of the keys that steps are about, some of them twice, in the form in which SDKs write them. */
function dress(item: Json, random: Random): void {
  const own = ((item['attributes'] as Json[] | undefined) ?? []).map((each) => ({
    ...each,
    key: ((each['key'] as string | undefined) ?? '').slice(0, 30),
  }))
  const more = Array.from({ length: random(4) }, () => ({
    key: KEYS[random(KEYS.length)]!,
    ...(random(5) > 0 && { value: VALUES[random(VALUES.length)]![1] }),
  }))
  item['attributes'] = [...more, ...own].slice(0, random(9))
}

function reference(item: Json, all: readonly Step[]): void {
  for (const { action, key, value } of all) {
    const list = item['attributes'] as Json[]
    const at = list.findIndex((each) => each['key'] === key)
    const entry = { key, value: VALUES[value]![1] }
    if (action === 'delete') item['attributes'] = list.filter((each) => each['key'] !== key)
    else if (at >= 0 && action !== 'insert') item['attributes'] = list.with(at, entry)
    else if (at < 0 && action !== 'update') item['attributes'] = [...list, entry]
  }
}

function runOn(attributes: Attributes, all: readonly AttributeStep[]): void {
  for (const each of all) {
    if (each.action === 'delete') attributes.delete(each.key)
    else if (each.action === 'upsert' || attributes.has(each.key) === (each.action === 'update'))
      attributes.set(each.key, each.value)
  }
}

describe.each(SIGNALS)('attributes of $signal', ({ signal, type, names }) => {
  it('are as if decoded, changed and encoded, whatever form they have', () => {
    fc.assert(
      fc.property(arbitraryMessage(type), steps, fc.boolean(), fc.integer(), (message, all, isMixed, seed) => {
        const random = createRandom(seed)
        const object = structuredClone(message)
        for (const item of itemsOf(object, names)) dress(item, random)
        const plain = oracleEncode(type, object)
        const bytes = isMixed ? scramble(type, plain, random) : plain
        const before = bytes.slice()
        for (const item of itemsOf(object, names)) reference(item, all)
        const constant = all.map(stepOf)
        const edited = AttributeEdits.of(signal, constant)!.apply(bytes)
        expect(bytes).toEqual(before)
        // In other forms than SDKs write it may be left to views, but nothing else may come of it.
        if (!isMixed) expect(edited).toBeDefined()
        const result = edited ?? editRequest(signal, bytes, { item: (view) => runOn(view.attributes, constant) })
        expect(meaning(signal, result)).toEqual(meaning(signal, oracleEncode(type, object)))
      }),
      { numRuns: 400 },
    )
  })
})

const UNKNOWN = [0xfa, 0x07, 2, 0x68, 0x69]
const field = (tag: number, ...content: number[]): number[] => [tag, content.length, ...content]
const ascii = (text: string): number[] => [...Buffer.from(text)]
const attribute = (key: string, value: string): number[] =>
  field(0x4a, ...field(0x0a, ...ascii(key)), ...field(0x12, ...field(0x0a, ...ascii(value))))
const request = (...spans: number[][]): Uint8Array =>
  Uint8Array.from([
    ...UNKNOWN,
    ...field(0x0a, ...UNKNOWN, ...field(0x12, ...spans.flatMap((span) => field(0x12, ...span)), ...UNKNOWN)),
  ])
const upsert = (key: string, value: string): AttributeStep => ({
  action: 'upsert',
  key,
  value: { type: 'string', value },
})

describe('the bytes', () => {
  const edits = AttributeEdits.of('traces', [upsert('k', 'w')])!

  it('stay as they are and in their place but for the attribute', () => {
    const bytes = request([...UNKNOWN, ...attribute('k', 'v'), ...UNKNOWN], [0x2a, 1, 0x61, ...UNKNOWN])
    const expected = request(
      [...UNKNOWN, ...attribute('k', 'w'), ...UNKNOWN],
      [0x2a, 1, 0x61, ...UNKNOWN, ...attribute('k', 'w')],
    )
    expect([...edits.apply(bytes)!]).toEqual([...expected])
  })

  it('are those that came where every span has the value already', () => {
    const bytes = request(attribute('k', 'w'), [...attribute('a', 'b'), ...attribute('k', 'w')])
    expect(edits.apply(bytes)).toBe(bytes)
  })

  it('have attributes in the order of the steps', () => {
    const two = AttributeEdits.of('traces', [upsert('b', '1'), upsert('a', '2'), upsert('b', '3')])!
    expect([...two.apply(request([]))!]).toEqual([...request([...attribute('b', '3'), ...attribute('a', '2')])])
    expect([...two.apply(request(attribute('b', '0')))!]).toEqual([
      ...request([...attribute('b', '3'), ...attribute('a', '2')]),
    ])
  })

  it('are left to views where the key is not the first thing in an attribute, or comes again', () => {
    const key = field(0x0a, ...ascii('k'))
    const value = field(0x12, ...field(0x0a, 0x76))
    for (const content of [
      [...value, ...key, ...value],
      [...value, ...key],
      [...field(0x0a, 0x78), ...key],
      [...key, ...value, ...key],
      [...field(0x0a, 0x78, 0x78), ...value, ...key],
    ])
      expect(edits.apply(request(field(0x4a, ...content)))).toBeUndefined()
  })

  it('end where a message ends in the middle of a field', () => {
    const bytes = request([0x2a, 5, 0x61])
    expect(() => edits.apply(bytes)).toThrow('ends 4 bytes after the message')
    expect(() => edits.apply(request([0x39, 1, 2, 3, 4, 5, 6, 7]))).toThrow('the message ends within a field')
    expect(() => edits.apply(request([0x30]))).toThrow('the message ends within a field')
  })

  it.each([
    ['numbers of eight bytes', [0x39, 1, 2, 3, 4, 5, 6, 7, 8]],
    ['varints of one byte, and of more', [0x30, 2, 0x50, 0x80, 1]],
  ])('are found behind %s', (_, before) => {
    expect([...edits.apply(request([...before, ...attribute('k', 'v')]))!]).toEqual([
      ...request([...before, ...attribute('k', 'w')]),
    ])
  })

  it.each([
    ['of eight bytes', [0x01, 0, 0, 0, 0, 0, 0, 0, 0]],
    ['of a varint', [0x00, 0]],
  ])('have no field with the number 0: %s', (_, field) => {
    expect(() => edits.apply(request(field))).toThrow('field number 0')
  })
})

it('is for a few keys of usual length', () => {
  expect(AttributeEdits.of('traces', [upsert('k'.repeat(128), '')])).toBeUndefined()
  expect(
    AttributeEdits.of(
      'traces',
      ['a', 'b', 'c', 'd', 'e', 'f'].map((key) => upsert(key, '')),
    ),
  ).toBeUndefined()
})
