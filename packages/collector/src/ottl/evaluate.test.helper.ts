/** Runs a statement, or the value of an expression, on one span with much in it. */
import { decodeTraces, editRequest, encodeTraces, type AnyValue, type KeyValue, type Span } from '@spoor/otlp'
import { CONTEXTS, type ContextName } from './contexts.ts'
import { EvaluationError } from './error.ts'
import { Item } from './node.ts'
import { compileConditions, compileStatements } from './statements.ts'

const string = (value: string): AnyValue => ({ type: 'string', value })

export const SPAN: Span = {
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: '1112131415161718',
  traceState: 'a=1,b=2',
  parentSpanId: '2122232425262728',
  flags: 257,
  name: 'GET /users/42',
  kind: 2,
  startTimeUnixNano: 1_700_000_000_000_000_000n,
  endTimeUnixNano: 1_700_000_001_500_000_000n,
  attributes: [
    { key: 'text', value: string('Hello, World') },
    { key: 'int', value: { type: 'int', value: 42n } },
    { key: 'double', value: { type: 'double', value: 1.5 } },
    { key: 'bool', value: { type: 'bool', value: true } },
    { key: 'bytes', value: { type: 'bytes', value: Uint8Array.of(1, 2, 255) } },
    { key: 'empty', value: { type: 'empty' } },
    {
      key: 'list',
      value: { type: 'array', value: [string('c'), string('a'), { type: 'int', value: 3n }] },
    },
    {
      key: 'map',
      value: {
        type: 'map',
        value: [
          { key: 'a', value: string('x') },
          { key: 'inner', value: { type: 'map', value: [{ key: 'b', value: { type: 'int', value: 1n } }] } },
        ],
      },
    },
  ],
  droppedAttributesCount: 3,
  events: [
    {
      timeUnixNano: 1_700_000_000_500_000_000n,
      name: 'exception',
      attributes: [{ key: 'exception.type', value: string('E') }],
      droppedAttributesCount: 0,
    },
  ],
  droppedEventsCount: 0,
  links: [],
  droppedLinksCount: 0,
  status: { code: 2, message: 'failed' },
}

export const BYTES = encodeTraces({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: string('shop') }], droppedAttributesCount: 0 },
      scopeSpans: [
        {
          scope: { name: 'lib', version: '1.2', attributes: [], droppedAttributesCount: 0 },
          spans: [SPAN],
          schemaUrl: '',
        },
      ],
      schemaUrl: 'https://example.com/1.0',
    },
  ],
})

/** The request after the statements. Throws what is wrong with them, or the first failure. */
export function edited(statements: readonly string[], context?: ContextName, bytes = BYTES): Uint8Array {
  const compiled = compileStatements({ statements, context }, CONTEXTS.traces)
  if (compiled.problems) throw new Error(compiled.problems.map(({ message }) => message).join('\n'))
  const item = new Item()
  const run = (): void =>
    compiled.value.run(item, (_, error) => {
      throw error
    })
  const { value } = compiled
  return editRequest('traces', bytes, {
    resource(resource) {
      item.resource = resource
      if (value.context === 'resource') run()
    },
    scope(scope) {
      item.scope = scope
      if (value.context === 'scope') run()
    },
    item(span) {
      item.span = span
      if (value.context === 'span') run()
      if (value.context === 'spanevent')
        span.forEachEvent((event) => {
          item.event = event
          run()
        })
    },
  })
}

/** The span after the statements, which are about spans. */
export function spanAfter(...statements: string[]): Span {
  return decodeTraces(edited(statements, 'span')).resourceSpans[0]!.scopeSpans[0]!.spans[0]!
}

export function attributesAfter(...statements: string[]): Record<string, unknown> {
  return plainEntries(spanAfter(...statements).attributes)
}

/** What an expression gives, as a plain value: an int is a bigint, a map an object, nil undefined. An error is its message. */
export function valueOf(expression: string): unknown {
  try {
    const found = attributesAfter(`set(attributes["result"], ${expression})`)
    return found['result']
  } catch (error) {
    if (error instanceof EvaluationError) return error
    throw error
  }
}

export function isTrue(condition: string, context: ContextName = 'span'): boolean {
  const compiled = compileConditions({ conditions: [condition], context }, CONTEXTS.traces)
  if (compiled.problems) throw new Error(compiled.problems.map(({ message }) => message).join('\n'))
  const item = new Item()
  let result = false
  editRequest('traces', BYTES, {
    resource: (resource) => void (item.resource = resource),
    scope: (scope) => void (item.scope = scope),
    item(span) {
      item.span = span
      result = compiled.value[0]!.test(item, (_, error) => {
        throw error
      })
    },
  })
  return result
}

export function plain(value: AnyValue): unknown {
  switch (value.type) {
    case 'empty':
      return null
    case 'array':
      return value.value.map(plain)
    case 'map':
      return plainEntries(value.value)
    default:
      return value.value
  }
}

function plainEntries(entries: readonly KeyValue[]): Record<string, unknown> {
  return Object.fromEntries(entries.map(({ key, value }) => [key, plain(value)]))
}
