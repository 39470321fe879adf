import { PassThrough } from 'node:stream'
import type { AnyValue, KeyValue, Resource, Scope, Span, TracesData } from '@spoor/otlp'
import { runCli } from '../cli.ts'

/** The command line in this process; what it prints, and its exit code. */
export async function cli(...args: string[]): Promise<{ code: number; output: string }> {
  const out = new PassThrough()
  const code = await runCli(['node', 'spoor', ...args], { stdout: out, stderr: out })
  return { code, output: String(out.read() ?? '') }
}

export async function cliJson(...args: string[]): Promise<{ code: number; report: unknown }> {
  const { code, output } = await cli(...args, '--json')
  return { code, report: JSON.parse(output) as unknown }
}

const text = (value: string): AnyValue => ({ type: 'string', value })
const attribute = (key: string, value: AnyValue): KeyValue => ({ key, value })

/** An attribute of each kind that there is. */
export const EVERY_KIND: readonly KeyValue[] = [
  attribute('text', text('Grüße, 世界 😀 "\\\n')),
  attribute('empty text', text('')),
  attribute('int', { type: 'int', value: 2n ** 53n + 1n }),
  attribute('least', { type: 'int', value: -(2n ** 63n) }),
  attribute('double', { type: 'double', value: 0.1 }),
  attribute('whole', { type: 'double', value: 2 }),
  attribute('minus zero', { type: 'double', value: -0 }),
  attribute('nan', { type: 'double', value: Number.NaN }),
  attribute('infinite', { type: 'double', value: -Infinity }),
  attribute('yes', { type: 'bool', value: true }),
  attribute('no', { type: 'bool', value: false }),
  attribute('bytes', { type: 'bytes', value: new Uint8Array([0, 255, 10]) }),
  attribute('array', { type: 'array', value: [text('a'), { type: 'int', value: -7n }, { type: 'empty' }] }),
  attribute('map', {
    type: 'map',
    value: [attribute('inner', { type: 'array', value: [] }), attribute('n', { type: 'double', value: 1e300 })],
  }),
  attribute('nothing', { type: 'empty' }),
]

export const START = 1_790_000_000_123_456_789n

/** A span with all that a span can have, but for what is given. */
export function spanWith(change: Partial<Span>): Span {
  return {
    traceId: '0102030405060708090a0b0c0d0e0f10',
    spanId: '00000000000000a1',
    traceState: 'vendor=1,other=2',
    parentSpanId: '00000000000000f0',
    flags: 0x301,
    name: 'GET /café/{id}',
    kind: 2,
    startTimeUnixNano: START,
    endTimeUnixNano: START + 1_234_567n,
    attributes: EVERY_KIND,
    droppedAttributesCount: 3,
    events: [
      { timeUnixNano: START + 5n, name: 'exception', attributes: EVERY_KIND, droppedAttributesCount: 1 },
      { timeUnixNano: START + 6n, name: '', attributes: [], droppedAttributesCount: 0 },
    ],
    droppedEventsCount: 4,
    links: [
      {
        traceId: 'f'.repeat(32),
        spanId: 'e'.repeat(16),
        traceState: 'linked=1',
        attributes: [attribute('why', text('because'))],
        droppedAttributesCount: 2,
        flags: 1,
      },
    ],
    droppedLinksCount: 5,
    status: { code: 2, message: 'it failed' },
    ...change,
  }
}

/** These spans under a resource and a scope that have all that these can have. */
export function tracesOf(spans: readonly Span[], change: { resource?: Resource; scope?: Scope } = {}): TracesData {
  const resource = {
    attributes: [
      attribute('service.name', text('shop')),
      attribute('host.name', text('edge-1')),
      ...EVERY_KIND.slice(0, 3),
    ],
    droppedAttributesCount: 0,
  }
  const scope = {
    name: 'http',
    version: '1.2.3',
    attributes: [attribute('scope.kind', text('auto'))],
    droppedAttributesCount: 0,
  }
  return {
    resourceSpans: [
      {
        resource: change.resource ?? resource,
        schemaUrl: 'https://opentelemetry.io/schemas/1.26.0',
        scopeSpans: [{ scope: change.scope ?? scope, schemaUrl: 'https://example.com/scope', spans }],
      },
    ],
  }
}

/** No more than a span must have. */
export function bareSpan(change: Partial<Span>): Span {
  return spanWith({
    traceState: '',
    parentSpanId: '',
    flags: 0,
    name: '',
    kind: 0,
    attributes: [],
    droppedAttributesCount: 0,
    events: [],
    droppedEventsCount: 0,
    links: [],
    droppedLinksCount: 0,
    status: { code: 0, message: '' },
    ...change,
  })
}
