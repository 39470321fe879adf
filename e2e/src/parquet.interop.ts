import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type AnyValue, encodeTraces, type KeyValue, type Span } from '@spoor/otlp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { node, type RunningSpoor, root, startSpoor } from './spoor.ts'
import { span } from './traces.ts'

const run = promisify(execFile)
const venv = join(root, '.cache', 'python')
const python = join(venv, 'bin', 'python')
const main = join(root, 'packages', 'server', 'bin', 'spoor.js')
const START = 1_790_000_000_123_456_789n

const text = (value: string): AnyValue => ({ type: 'string', value })
const int = (value: bigint): AnyValue => ({ type: 'int', value })
const double = (value: number): AnyValue => ({ type: 'double', value })

const KINDS: Readonly<Record<string, AnyValue>> = {
  text: text('Grüße, 世界 😀 "\\\n'),
  'empty text': text(''),
  int: int(2n ** 53n + 1n),
  least: int(-(2n ** 63n)),
  greatest: int(2n ** 63n - 1n),
  double: double(0.1),
  whole: double(2),
  negative: double(-1e-300),
  nan: double(Number.NaN),
  infinite: double(-Infinity),
  yes: { type: 'bool', value: true },
  no: { type: 'bool', value: false },
  bytes: { type: 'bytes', value: new Uint8Array([0, 255, 10]) },
  array: { type: 'array', value: [text('ä'), int(-7n), double(1), { type: 'empty' }] },
  map: { type: 'map', value: [{ key: 'inner', value: { type: 'array', value: [text('x')] } }] },
  nothing: { type: 'empty' },
  'a.b "c"': int(0n),
}
const attributes = (kinds: Readonly<Record<string, AnyValue>>): KeyValue[] =>
  Object.entries(kinds).map(([key, value]) => ({ key, value }))

const bare = span({
  traceId: '0102030405060708090a0b0c0d0e0f10',
  spanId: '',
  name: '',
  kind: 0,
  startTimeUnixNano: START,
  endTimeUnixNano: START,
})

/** So many spans with everything that each kind gets a column; then some that lack it, or have it of another kind. */
const SPANS: readonly Span[] = [
  ...Array.from({ length: 20 }, (_, i) => ({
    ...bare,
    spanId: (i + 1).toString(16).padStart(16, '0'),
    parentSpanId: i === 0 ? '' : '0000000000000001',
    traceState: 'a=1',
    flags: 0x301,
    name: 'GET /café/{id}',
    kind: (i % 5) + 1,
    startTimeUnixNano: START + BigInt(i),
    endTimeUnixNano: START + BigInt(i) + 1_234_567n,
    attributes: attributes(KINDS),
    droppedAttributesCount: 3,
    events: [
      { timeUnixNano: START + 1n, name: 'exception', attributes: attributes(KINDS), droppedAttributesCount: 1 },
      { timeUnixNano: 2n, name: '', attributes: [], droppedAttributesCount: 0 },
    ],
    links: [
      {
        traceId: 'f'.repeat(32),
        spanId: 'e'.repeat(16),
        traceState: 'b=2',
        attributes: attributes({ why: text('because') }),
        droppedAttributesCount: 2,
        flags: 1,
      },
    ],
    status: { code: 2, message: 'it failed' },
  })),
  { ...bare, spanId: 'a'.repeat(16) },
  {
    ...bare,
    spanId: 'b'.repeat(16),
    startTimeUnixNano: START + 5n,
    attributes: attributes({ int: text('a text'), whole: int(3n) }),
  },
  { ...bare, spanId: 'c'.repeat(16), endTimeUnixNano: START - 10n, name: 'x'.repeat(3000) },
]

type Value = null | boolean | string | { readonly [key: string]: Value } | readonly Value[]

/** As the Python program prints what the documentation says. */
function plain(value: AnyValue): Value {
  switch (value.type) {
    case 'int':
      return { int: String(value.value) }
    case 'double':
      return { double: String(value.value) }
    case 'bytes':
      return { bytesValue: Buffer.from(value.value).toString('base64') }
    case 'array':
      return value.value.map(plain)
    case 'map':
      return object(value.value)
    case 'empty':
      return null
    default:
      return value.value
  }
}
/** In the text of attributes JSON has no word for these. */
const inText = (value: AnyValue): Value =>
  value.type === 'double' && !Number.isFinite(value.value) ? { doubleValue: String(value.value) } : plain(value)
const object = (entries: readonly KeyValue[]): Value =>
  Object.fromEntries(entries.map(({ key, value }) => [key, inText(value)]))
const textOf = (entries: readonly KeyValue[]): Value => (entries.length === 0 ? null : object(entries))
const whole = (value: bigint | number): Value => ({ int: String(value) })
const orNull = (value: string): Value => value || null

const KIND_NAMES = ['unspecified', 'internal', 'server', 'client', 'producer', 'consumer']
const STATUS_NAMES = ['unset', 'ok', 'error']

/** All but the attributes. */
function fieldsOf(span: Span): Record<string, Value> {
  return {
    trace_id: span.traceId,
    span_id: span.spanId,
    parent_span_id: orNull(span.parentSpanId),
    is_root: span.parentSpanId === '',
    service: 'shop',
    name: span.name,
    kind: KIND_NAMES[span.kind]!,
    start: whole(span.startTimeUnixNano),
    duration_ns: whole(span.endTimeUnixNano - span.startTimeUnixNano),
    status: STATUS_NAMES[span.status.code]!,
    status_message: orNull(span.status.message),
    trace_state: orNull(span.traceState),
    flags: whole(span.flags),
    scope_name: 'http',
    scope_version: '1.2',
    scope_schema_url: null,
    resource_schema_url: 'https://opentelemetry.io/schemas/1.26.0',
    dropped_attributes: whole(span.droppedAttributesCount),
    dropped_events: whole(span.droppedEventsCount),
    dropped_links: whole(span.droppedLinksCount),
    resource_attributes: null,
    scope_attributes: null,
    'resource.host.name': 'edge-1',
    events: span.events.map((event) => ({
      time: whole(event.timeUnixNano),
      name: event.name,
      attributes: textOf(event.attributes),
      dropped_attributes: whole(event.droppedAttributesCount),
    })),
    links: span.links.map((link) => ({
      trace_id: link.traceId,
      span_id: link.spanId,
      trace_state: orNull(link.traceState),
      flags: whole(link.flags),
      attributes: textOf(link.attributes),
      dropped_attributes: whole(link.droppedAttributesCount),
    })),
  }
}

/** What a number is does not depend on how a program writes it. */
function normal(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normal)
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).map(([key, item]) => [key, key === 'double' ? Number(item) : normal(item)])
  return Object.fromEntries(entries) as unknown
}

let spoor: RunningSpoor
beforeAll(async () => {
  if (!existsSync(python)) await run('python3', ['-m', 'venv', venv])
  await run(python, ['-m', 'pip', 'install', '--quiet', 'pyarrow', 'pandas', 'polars', 'duckdb'])
  spoor = await startSpoor()
  // An installation may take long where much else runs.
}, 1_800_000)
afterAll(async () => {
  await spoor.remove()
})

describe('an export to Parquet', () => {
  it('is read by pyarrow, pandas, Polars and DuckDB, each value as it was sent', async () => {
    const resource = {
      attributes: attributes({ 'service.name': text('shop'), 'host.name': text('edge-1') }),
      droppedAttributesCount: 0,
    }
    const scope = { name: 'http', version: '1.2', attributes: [], droppedAttributesCount: 0 }
    const schemaUrl = 'https://opentelemetry.io/schemas/1.26.0'
    const body = encodeTraces({
      resourceSpans: [{ resource, schemaUrl, scopeSpans: [{ scope, schemaUrl: '', spans: SPANS }] }],
    })
    const answer = await fetch(`${spoor.http}/v1/traces`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: body as Uint8Array<ArrayBuffer>,
    })
    expect(answer.status).toBe(200)
    const file = join(spoor.data, '..', `spoor-${process.pid}.parquet`)
    // While Spoor runs.
    await run(node, [main, 'export', spoor.data, '--parquet', file, '--force'])
    const { stdout } = await run(python, [join(root, 'e2e', 'python', 'parquet.py'), file], { maxBuffer: 1 << 26 })
    const { rows, asked } = JSON.parse(stdout) as { rows: Record<string, Record<string, Value>[]>; asked: unknown }
    expect(Object.keys(rows)).toEqual(['pyarrow', 'pandas', 'polars', 'duckdb'])
    for (const [tool, found] of Object.entries(rows)) {
      expect([tool, found.length]).toEqual([tool, SPANS.length])
      for (const [index, span] of SPANS.entries()) {
        const row = found[index]!
        expect([tool, normal(row)]).toEqual([tool, expect.objectContaining(normal(fieldsOf(span)) as object)])
        // An attribute is in its column, or in the text; not in both.
        const inColumns = Object.entries(row).flatMap(([name, value]) =>
          name.startsWith('span.') && value !== null ? [[name.slice('span.'.length), value] as const] : [],
        )
        const inRest = Object.entries((row['span_attributes'] ?? {}) as Record<string, Value>)
        expect(inColumns.length + inRest.length).toBe(span.attributes.length)
        const wanted = span.attributes.map(({ key, value }) => [
          key,
          inRest.some(([name]) => name === key) ? inText(value) : plain(value),
        ])
        expect([tool, normal(Object.fromEntries([...inColumns, ...inRest]))]).toEqual([
          tool,
          normal(Object.fromEntries(wanted)),
        ])
      }
    }
    expect(asked).toEqual({ shop: ['shop', SPANS.length, 1_234_567, 20], events: 40, nested: 'x' })
    await rm(file)
  })
})
