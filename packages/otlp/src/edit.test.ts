import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Signal } from './batch.ts'
import { editRequest, type Visitor } from './edit.ts'
import { OtlpError } from './error.ts'
import { meaning, pairsOf, requestsOf, SIGNAL_TYPES } from './flat.test.helper.ts'
import type { AnyValue } from './model.ts'
import { oracleDecode, oracleEncode } from './oracle.test.helper.ts'
import { createRandom, type Random } from './scramble.test.helper.ts'
import type { Attributes } from './view/attributes.ts'
import type { MetricView } from './view/metric.ts'
import type { SpanView } from './view/span.ts'

type Json = { [name: string]: unknown }

const KEYS = ['', 'service.name', 'new.key', 'schlüssel']
const VALUES: readonly [AnyValue, Json][] = [
  [{ type: 'string', value: 'text é' }, { stringValue: 'text é' }],
  [{ type: 'int', value: -5n }, { intValue: '-5' }],
  [{ type: 'int', value: 2n ** 60n + 1n }, { intValue: String(2n ** 60n + 1n) }],
  [{ type: 'bool', value: false }, { boolValue: false }],
  [{ type: 'double', value: 0.25 }, { doubleValue: 0.25 }],
  [{ type: 'empty' }, {}],
  [{ type: 'array', value: [{ type: 'bool', value: true }] }, { arrayValue: { values: [{ boolValue: true }] } }],
  [
    { type: 'map', value: [{ key: 'k', value: { type: 'bytes', value: Uint8Array.of(1, 2) } }] },
    { kvlistValue: { values: [{ key: 'k', value: { bytesValue: Uint8Array.of(1, 2) } }] } },
  ],
]

const keyOf = (attribute: Json): string => (attribute['key'] as string | undefined) ?? ''

/** One change of attributes, of both forms. */
function changeAttributes(attributes: Attributes, owner: Json, random: Random, name = 'attributes'): void {
  const list = (owner[name] as Json[] | undefined) ?? []
  const present = list.map(keyOf)
  const key = random(2) === 0 && present.length > 0 ? present[random(present.length)]! : KEYS[random(KEYS.length)]!
  const at = present.indexOf(key)
  const [value, json] = VALUES[random(VALUES.length)]!
  switch (random(6)) {
    case 0:
      attributes.set(key, value)
      owner[name] = at < 0 ? [...list, { key, value: json }] : list.with(at, { key, value: json })
      break
    case 1:
      expect(attributes.delete(key)).toBe(at >= 0)
      owner[name] = list.filter((each) => keyOf(each) !== key)
      break
    case 2: {
      const to = KEYS[random(KEYS.length)]!
      expect(attributes.rename(key, to)).toBe(at >= 0)
      if (at < 0 || to === key) break
      const renamed = { key: to, value: list[at]!['value'] ?? {} }
      owner[name] = list
        .with(at, renamed)
        .filter((each) => each === renamed || (keyOf(each) !== to && keyOf(each) !== key))
      break
    }
    case 3:
      attributes.retain((each) => each.length % 2 === 0)
      owner[name] = list.filter((each) => keyOf(each).length % 2 === 0)
      break
    case 4:
      attributes.update((each, old) => (each === key ? undefined : each.length > 5 ? value : old))
      owner[name] = list
        .filter((each) => keyOf(each) !== key)
        .map((each) => (keyOf(each).length > 5 ? { ...each, value: json } : each))
      break
    default:
      expect(attributes.keys()).toEqual(present)
      expect(attributes.toArray().map((each) => each.key)).toEqual(present)
      expect(attributes.size).toBe(present.length)
      expect(attributes.has(key)).toBe(at >= 0)
      expect(attributes.text(key)).toBe((list[at]?.['value'] as Json | undefined)?.['stringValue'])
  }
}

/** Fields of a view and of the object, with values of both forms; the first means that it is not there. */
const TEXT: readonly [unknown, unknown][] = [
  ['', ''],
  ['new', 'new'],
]
const TIME: readonly [unknown, unknown][] = [
  [0n, '0'],
  [2n ** 63n + 7n, String(2n ** 63n + 7n)],
]
const NUMBER: readonly [unknown, unknown][] = [
  [0, 0],
  [2, 2],
]
const HEX_ID = 'a1b2c3d4e5f60718'
const ID8: readonly [unknown, unknown][] = [
  ['', new Uint8Array(0)],
  [HEX_ID, Uint8Array.from(Buffer.from(HEX_ID, 'hex'))],
]

const FIELDS = {
  resource: { droppedAttributesCount: NUMBER },
  scope: { name: TEXT, version: TEXT, droppedAttributesCount: NUMBER },
  span: { name: TEXT, traceState: TEXT, kind: NUMBER, startTimeUnixNano: TIME, parentSpanId: ID8, flags: NUMBER },
  event: { name: TEXT, timeUnixNano: TIME },
  link: { spanId: ID8, flags: NUMBER, traceState: TEXT },
  record: {
    severityText: TEXT,
    severityNumber: NUMBER,
    timeUnixNano: TIME,
    spanId: ID8,
    eventName: TEXT,
    body: VALUES,
  },
  metric: { name: TEXT, unit: TEXT, description: TEXT },
  point: { timeUnixNano: TIME, flags: NUMBER },
} as const

/** Sets one of the fields, in both forms. */
function changeField(
  view: object,
  owner: Json,
  fields: Readonly<Record<string, readonly (readonly [unknown, unknown])[]>>,
  random: Random,
): void {
  const names = Object.keys(fields)
  const name = names[random(names.length)]!
  const choices = fields[name]!
  const [value, json] = choices[random(choices.length)]!
  Reflect.set(view, name, value)
  expect(Reflect.get(view, name)).toEqual(value)
  if (owner[name] !== undefined || json !== choices[0]![1] || choices === VALUES) owner[name] = json
}

const RESOURCES = { traces: 'resourceSpans', logs: 'resourceLogs', metrics: 'resourceMetrics' } as const
const SCOPES = { traces: 'scopeSpans', logs: 'scopeLogs', metrics: 'scopeMetrics' } as const
const ITEMS = { traces: 'spans', logs: 'logRecords', metrics: 'metrics' } as const
const DATA = ['gauge', 'sum', 'histogram', 'exponentialHistogram', 'summary']
const DROPPED = Symbol('dropped')
type Node = Json & { [DROPPED]?: boolean }
const childrenOf = (node: Json, name: string): Node[] => (node[name] as Node[] | undefined) ?? []

/** Takes out what was dropped, and what has lost its last child by that. */
function prune(node: Node, names: readonly string[]): void {
  const [name, ...deeper] = names
  if (name === undefined || !node[name]) return
  const children = childrenOf(node, name)
  for (const child of children) if (!child[DROPPED]) prune(child, deeper)
  node[name] = children.filter((child) => !child[DROPPED])
  if (children.length > 0 && (node[name] as Node[]).length === 0) node[DROPPED] = true
}

/** Edits bytes and object at random and gives both. `share`: of ten messages how many are touched. */
function editBoth(signal: Signal, object: Node, type: string, bytes: Uint8Array, seed: number, share: number) {
  const random = createRandom(seed)
  const isTouched = (): boolean => random(10) < share
  const isDropped = (): boolean => isTouched() && random(4) === 0
  const cursor = { group: {} as Json, scope: {} as Json, groups: 0, scopes: 0, items: 0 }
  const drop = (view: { drop(): void }, node: Node): boolean => {
    if (!isDropped()) return false
    view.drop()
    node[DROPPED] = true
    return true
  }
  /** A header that may not be there is there once something of it is. */
  const changeHeader = (
    view: { attributes: Attributes; schemaUrl: string },
    group: Json,
    name: 'resource' | 'scope',
  ): void => {
    if (!isTouched()) return
    const header = { ...(group[name] as Json | undefined) }
    if (random(3) === 0) changeField(view, header, FIELDS[name], random)
    else changeAttributes(view.attributes, header, random)
    if (group[name] || Object.values(header).some((value) => !Array.isArray(value) || value.length > 0))
      group[name] = header
    if (random(4) === 0) changeField(view, group, { schemaUrl: TEXT }, random)
  }
  const visitor: Visitor<Signal> = {
    resource(view) {
      const group = childrenOf(object, RESOURCES[signal])[cursor.groups++]!
      Object.assign(cursor, { group, scopes: 0 })
      if (!drop(view, group)) changeHeader(view, group, 'resource')
    },
    scope(view) {
      const scope = childrenOf(cursor.group, SCOPES[signal])[cursor.scopes++]!
      Object.assign(cursor, { scope, items: 0 })
      if (!drop(view, scope)) changeHeader(view, scope, 'scope')
    },
    item(view, scopeView, resourceView) {
      const item = childrenOf(cursor.scope, ITEMS[signal])[cursor.items++]!
      if (random(8) === 0) changeHeader(resourceView, cursor.group, 'resource')
      if (random(8) === 0) changeHeader(scopeView, cursor.scope, 'scope')
      if (drop(view, item)) return
      if ('statusCode' in view) changeSpan(view, item)
      else if ('body' in view) {
        if (isTouched()) changeField(view, item, FIELDS.record, random)
        if (isTouched()) changeAttributes(view.attributes, item, random)
      } else changeMetric(view, item)
    },
  }
  function changeSpan(view: SpanView, span: Node): void {
    if (isTouched()) changeField(view, span, FIELDS.span, random)
    if (isTouched()) changeAttributes(view.attributes, span, random)
    if (isTouched()) {
      const status = { ...(span['status'] as Json | undefined) }
      changeField(
        {
          get code() {
            return view.statusCode
          },
          set code(code) {
            view.statusCode = code
          },
          get message() {
            return view.statusMessage
          },
          set message(message) {
            view.statusMessage = message
          },
        },
        status,
        { code: NUMBER, message: TEXT },
        random,
      )
      if (span['status'] || Object.keys(status).length > 0) span['status'] = status
    }
    if (isTouched()) {
      let at = 0
      view.forEachEvent((event) => {
        const node = childrenOf(span, 'events')[at++]!
        if (drop(event, node) || !isTouched()) return
        if (random(2) === 0) changeField(event, node, FIELDS.event, random)
        else changeAttributes(event.attributes, node, random)
      })
      span['events'] = childrenOf(span, 'events').filter((event) => !event[DROPPED])
      expect(view.eventCount).toBe(childrenOf(span, 'events').length)
    }
    if (isTouched()) {
      let at = 0
      view.forEachLink((link) => {
        const node = childrenOf(span, 'links')[at++]!
        if (drop(link, node) || !isTouched()) return
        if (random(2) === 0) changeField(link, node, FIELDS.link, random)
        else changeAttributes(link.attributes, node, random)
      })
      span['links'] = childrenOf(span, 'links').filter((link) => !link[DROPPED])
      expect(view.linkCount).toBe(childrenOf(span, 'links').length)
    }
  }
  function changeMetric(view: MetricView, metric: Node): void {
    const name = DATA.find((each) => metric[each] !== undefined)
    expect(view.type).toBe(name)
    if (isTouched()) changeField(view, metric, FIELDS.metric, random)
    if (isTouched()) changeAttributes(view.metadata, metric, random, 'metadata')
    if (name === undefined) return
    const data = metric[name] as Json
    if (view.aggregationTemporality !== undefined && isTouched()) {
      changeField(view, data, { aggregationTemporality: NUMBER }, random)
    }
    const points = childrenOf(data, 'dataPoints')
    expect(view.pointCount).toBe(points.length)
    let at = 0
    view.forEachPoint((point) => {
      const node = points[at++]!
      if (drop(point, node) || !isTouched()) return
      if (random(2) === 0) return changeAttributes(point.attributes, node, random)
      if (random(2) === 0) return changeField(point, node, FIELDS.point, random)
      if (point.count === undefined) {
        delete node['asDouble']
        delete node['asInt']
        if (random(2) === 0) node['asInt'] = String((point.number = -3n))
        else node['asDouble'] = point.number = 0
      } else {
        node['count'] = String((point.count = 2n ** 40n))
        node['sum'] = point.sum = 0
      }
    })
    data['dataPoints'] = points.filter((point) => !point[DROPPED])
    if (points.length > 0 && (data['dataPoints'] as Node[]).length === 0) metric[DROPPED] = true
  }
  const edited = editRequest(signal, bytes, visitor)
  prune(object, [RESOURCES[signal], SCOPES[signal], ITEMS[signal]])
  return { edited, expected: oracleEncode(type, object) }
}

const UNKNOWN = [0xfa, 0x07, 2, 0x68, 0x69]
const field = (tag: number, ...content: number[]): number[] => [tag, content.length, ...content]
const ascii = (text: string): number[] => [...Buffer.from(text)]
const attribute = (tag: number, key: string, value: string): number[] =>
  field(tag, ...field(0x0a, ...ascii(key)), ...field(0x12, ...field(0x0a, ...ascii(value))))
const text = (value: string): AnyValue => ({ type: 'string', value })

describe('what is not edited', () => {
  const span = (...inner: number[]): number[] => field(0x12, ...UNKNOWN, ...inner, ...UNKNOWN, ...field(0x2a, 0x61))
  const request = (resource: number[], ...spans: number[][]): Uint8Array =>
    Uint8Array.from([
      ...UNKNOWN,
      ...field(0x0a, ...field(0x12, ...spans.flat(), ...UNKNOWN), ...UNKNOWN, ...resource, ...UNKNOWN),
      ...field(0x0a),
    ])
  const resource = field(0x0a, ...UNKNOWN, ...attribute(0x0a, 'k', 'v'))

  it('stays byte for byte and in its place: around an attribute of a span', () => {
    const bytes = request(resource, span(...attribute(0x4a, 'k', 'v')), span())
    const edited = editRequest('traces', bytes, {
      item: (view) => view.attributes.has('k') && view.attributes.set('k', text('w')),
    })
    expect([...edited]).toEqual([...request(resource, span(...attribute(0x4a, 'k', 'w')), span())])
  })

  it('around an attribute of a resource that comes after its spans, and in pieces', () => {
    const pieces = [...resource, ...field(0x0a, ...attribute(0x0a, 'l', 'v'))]
    const merged = field(0x0a, ...UNKNOWN, ...attribute(0x0a, 'k', 'w'), ...attribute(0x0a, 'l', 'v'))
    const edited = editRequest('traces', request(pieces, span()), {
      resource: (view) => view.attributes.set('k', text('w')),
      item: (_, __, view) => expect(view.attributes.text('k')).toBe('w'),
    })
    const empty = field(0x0a, ...field(0x0a, ...attribute(0x0a, 'k', 'w')))
    expect([...edited]).toEqual([...request(merged, span()).slice(0, -2), ...empty])
  })

  it('around a span that is dropped', () => {
    let row = 0
    const bytes = request(resource, span(1, 0), span(2, 0), span(3, 0))
    const edited = editRequest(
      'traces',
      bytes.map((byte) => byte),
      { item: (view) => row++ === 1 && view.drop() },
    )
    expect([...edited]).toEqual([...request(resource, span(1, 0), span(3, 0))])
  })
})

it('a resource may be dropped while its items are looked at', () => {
  const group = (name: string): number[] =>
    field(0x0a, ...field(0x0a, ...attribute(0x0a, 'k', name)), ...field(0x12, ...field(0x12), ...field(0x12)))
  const bytes = Uint8Array.from([...group('a'), ...group('b')])
  const edited = editRequest('traces', bytes, {
    item: (_, __, resource) => resource.attributes.text('k') === 'a' && resource.drop(),
  })
  expect([...edited]).toEqual(group('b'))
})

it('may be done within a visitor, and after one that threw', () => {
  const bytes = Uint8Array.from(field(0x0a, ...field(0x12, ...field(0x12, ...attribute(0x4a, 'k', 'v')))))
  const set = (value: string): Uint8Array =>
    editRequest('traces', bytes, { item: (view) => view.attributes.set('k', text(value)) })
  const inner: number[][] = []
  const outer = editRequest('traces', bytes, {
    item(view) {
      view.attributes.set('k', text('outer'))
      inner.push([...set('inner')])
    },
  })
  const thrower = (): Uint8Array =>
    editRequest('traces', bytes, {
      item(view) {
        view.name = 'lost'
        throw new Error('visitor')
      },
    })
  expect(thrower).toThrow('visitor')
  expect([...set('outer')]).toEqual([...outer])
  expect(inner).toEqual([[...set('inner')]])
  expect(Buffer.from(outer).includes('outer')).toBe(true)
})

describe('bytes that are not a request', () => {
  const depth = (levels: number): number[] => {
    let value = field(0x0a, 0x61)
    for (let i = 1; i < levels; i++) value = longField(0x2a, longField(0x0a, value))
    return value
  }
  const longField = (tag: number, content: number[]): number[] => [
    tag,
    (content.length & 127) | 128,
    content.length >> 7,
    ...content,
  ]
  const spanOf = (...content: number[]): Uint8Array =>
    Uint8Array.from(longField(0x0a, longField(0x12, longField(0x12, content))))
  it.each([
    ['a field that ends after its message', spanOf(0x2a, 9, 0x61)],
    ['a wrong wire type', spanOf(0x28, 1)],
    ['a group', spanOf(0xfb, 0x07, 0xfc, 0x07)],
    ['field number 0', spanOf(0x02, 0)],
    ['a varint of eleven bytes', spanOf(0x30, ...Array.from({ length: 10 }, () => 0x80), 1)],
    ['an id of a wrong length', spanOf(0x0a, 1, 1)],
    ['a value nested too deeply', spanOf(...longField(0x4a, [0x0a, 1, 0x6b, ...longField(0x12, depth(65))]))],
  ])('throws an OtlpError for %s when it is read', (_, bytes) => {
    const read = (view: SpanView): void => {
      expect([view.name, view.kind, view.traceId, view.attributes.toArray()]).toBeDefined()
    }
    expect(() => editRequest('traces', bytes, { item: read })).toThrow(OtlpError)
  })

  it('reads values of the depth that is allowed', () => {
    const bytes = spanOf(...longField(0x4a, [0x0a, 1, 0x6b, ...longField(0x12, depth(64))]))
    editRequest('traces', bytes, { item: (view) => expect(view.attributes.get('k')?.type).toBe('array') })
  })
})

describe.each(SIGNAL_TYPES)('editing $signal', ({ signal, type }) => {
  it('is decoding, editing and encoding', () => {
    fc.assert(
      fc.property(pairsOf(type), fc.integer(), fc.constantFrom(2, 5, 9), ({ plain, bytes }, seed, share) => {
        const before = bytes.slice()
        const { edited, expected } = editBoth(signal, oracleDecode(type, plain), type, bytes, seed, share)
        expect(meaning(signal, edited)).toEqual(meaning(signal, expected))
        expect(bytes).toEqual(before)
      }),
      { numRuns: 100, endOnFailure: true },
    )
  })

  it('gives the same bytes where nothing is changed, whatever was read', () => {
    fc.assert(
      fc.property(requestsOf(type), (bytes) => {
        const look = (view: { attributes?: Attributes }): void => {
          for (const name of Object.getOwnPropertyNames(Object.getPrototypeOf(view))) Reflect.get(view, name)
          view.attributes?.toArray()
        }
        const visitor: Visitor<Signal> = {
          resource: look,
          scope: look,
          item(view) {
            look(view as object)
            if ('forEachEvent' in view) {
              view.forEachEvent(look)
              view.forEachLink(look)
            }
            if ('forEachPoint' in view) view.forEachPoint(look)
          },
        }
        expect(editRequest(signal, bytes, visitor)).toBe(bytes)
        expect(editRequest(signal, bytes, {})).toBe(bytes)
      }),
    )
  })
})
