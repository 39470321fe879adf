import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { countItems } from './count.ts'
import { flat, meaning, requestsOf, SIGNAL_TYPES } from './flat.test.helper.ts'
import type { AnyValue } from './model.ts'
import { regroupItems } from './regroup.ts'
import { createRandom } from './scramble.test.helper.ts'
import { requestToJson } from './to-json.ts'

const text = (value: string): AnyValue => ({ type: 'string', value })

/** As JSON text, keys in order. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    typeof each !== 'object' || each === null || Array.isArray(each)
      ? each
      : Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1))),
  )
}

type Json = { readonly [name: string]: unknown }

/** The outermost message of an item, its resource with another attribute. */
function withGroup(message: Json, group: string): Json {
  const resource = message['resource'] as Json | undefined
  const attributes = (resource?.['attributes'] as Json[] | undefined) ?? []
  return {
    ...message,
    resource: { ...resource, attributes: [...attributes, { key: 'the group', value: { stringValue: group } }] },
  }
}

describe.each(SIGNAL_TYPES)('regrouping $signal', ({ signal, type }) => {
  it('puts each item under its resource as its group changes it, in order, and takes out what is dropped', () => {
    fc.assert(
      fc.property(requestsOf(type), fc.integer(), (bytes, seed) => {
        const random = createRandom(seed)
        const items = flat(signal, bytes)
        const expected: string[] = []
        let row = 0
        const regrouped = regroupItems(signal, bytes, {
          groupOf(item) {
            const path = items[row++]!
            const choice = random(4)
            if (choice === 0) item.drop()
            else expected.push(textOf(choice === 1 ? path : path.with(0, withGroup(path[0]!, `${choice}`))))
            return choice < 2 ? undefined : `${choice}`
          },
          changeResource: (resource, group) => resource.attributes.set('the group', text(group)),
        })
        expect(row).toBe(countItems(signal, bytes))
        const found = flat(signal, regrouped).map(textOf)
        expect(found.toSorted()).toEqual(expected.toSorted())
        // The order within what has the same resource.
        for (const group of ['"2"', '"3"']) {
          const [first] = found.filter((each) => each.includes(`the group","value":{"stringValue":${group}`))
          if (first === undefined) continue
          const resource = textOf((JSON.parse(first) as Json[])[0])
          const isIn = (each: string): boolean => each.startsWith(`[${resource}`)
          expect(found.filter(isIn)).toEqual(expected.filter(isIn))
        }
      }),
    )
  })

  it('gives the same bytes where nothing is moved', () => {
    fc.assert(
      fc.property(requestsOf(type), (bytes) => {
        const look = { groupOf: () => undefined, changeResource: () => expect.unreachable() }
        expect(regroupItems(signal, bytes, look)).toBe(bytes)
      }),
      { numRuns: 30 },
    )
  })

  it('changes items that stay where they are', () => {
    fc.assert(
      fc.property(requestsOf(type), (bytes) => {
        const value = text('v')
        const once = regroupItems(signal, bytes, {
          groupOf(item) {
            item.attributes.set('k', value)
            return undefined
          },
          changeResource: () => {},
        })
        const kept = flat(signal, once).filter((path) =>
          JSON.stringify(path.at(-1)).includes('{"key":"k","value":{"stringValue":"v"}}'),
        )
        expect(kept).toHaveLength(countItems(signal, bytes))
        expect(meaning(signal, once)).toBeDefined()
      }),
      { numRuns: 30 },
    )
  })
})

it('puts what has the same resource afterwards under one, with its unknown fields', () => {
  const field = (tag: number, ...content: number[]): number[] => [tag, content.length, ...content]
  const unknown = [0xfa, 0x07, 1, 9]
  const resource = (...names: number[]): number[] =>
    field(0x0a, ...names.flatMap((name) => field(0x0a, ...field(0x0a, name))), ...unknown)
  const span = (name: number): number[] => field(0x12, ...field(0x2a, name))
  const scope = (...spans: number[][]): number[] => field(0x12, ...field(0x0a, ...field(0x0a, 0x73)), ...spans.flat())
  const bytes = Uint8Array.from([
    ...field(0x0a, ...resource(0x61), ...scope(span(1), span(2)), ...unknown),
    ...field(0x0a, ...resource(0x62), ...scope(span(3)), ...unknown),
  ])
  const regrouped = regroupItems('traces', bytes, {
    groupOf: (item) => (item.name === '\u0002' ? undefined : 'all'),
    changeResource: (view) => view.attributes.replaceAll([{ key: 'x', value: { type: 'bool', value: true } }]),
  })
  const changed = field(0x0a, ...unknown, ...field(0x0a, ...field(0x0a, 0x78), ...field(0x12, 0x10, 1)))
  expect([...regrouped]).toEqual([
    ...field(0x0a, ...changed, ...unknown, ...scope(span(1)), ...scope(span(3))),
    ...field(0x0a, ...resource(0x61), ...unknown, ...scope(span(2))),
  ])
  expect(requestToJson('traces', regrouped)).toMatchObject({ resourceSpans: [{}, {}] })
})
