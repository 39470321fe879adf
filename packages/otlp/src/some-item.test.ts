import { expect, test } from 'vitest'
import { OtlpError, someItem, tracesFromJson } from './index.ts'

const span = (name: string): object => ({ traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), name })
const bytes = tracesFromJson(
  JSON.stringify({
    resourceSpans: [
      {
        resource: { attributes: [{ key: 'a', value: { intValue: 1 } }] },
        scopeSpans: [{ scope: { name: 's' }, spans: [span('one'), span('two')] }, { spans: [span('three')] }],
      },
      { resource: { attributes: [{ key: 'a', value: { intValue: 2 } }] }, scopeSpans: [{ spans: [span('four')] }] },
    ],
  }),
)

test('asks in the order of the bytes, a resource before its items, and stops at the first', () => {
  const asked: unknown[] = []
  const found = someItem('traces', bytes, {
    resource({ attributes }) {
      asked.push(attributes.get('a'))
      return false
    },
    item({ name }, scope) {
      asked.push([name, scope.name])
      return name === 'three'
    },
  })
  expect(found).toBe(true)
  expect(asked).toEqual([{ type: 'int', value: 1n }, ['one', 's'], ['two', 's'], ['three', '']])
})

test('says no where nothing is true, and where nothing is asked', () => {
  let asked = 0
  expect(someItem('traces', bytes, { item: () => ++asked < 0 })).toBe(false)
  expect(asked).toBe(4)
  expect(someItem('traces', bytes, {})).toBe(false)
  expect(someItem('traces', new Uint8Array(), { resource: () => true })).toBe(false)
})

test('throws for what is no request', () => {
  expect(() => someItem('traces', new Uint8Array([0x0a, 0x05, 1]), { resource: () => false })).toThrow(OtlpError)
})
