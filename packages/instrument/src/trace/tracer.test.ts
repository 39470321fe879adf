import { runInThisContext } from 'node:vm'
import {
  context,
  diag,
  DiagLogLevel,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Tracer,
} from '@opentelemetry/api'
import { suppressTracing, TraceState } from '@opentelemetry/core'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SpanLimits,
  TracerProvider as SdkProvider,
} from '@opentelemetry/sdk-trace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ContextManager } from '../context-manager.ts'
import { TracerProvider } from './tracer.ts'

const resource = resourceFromAttributes({ 'service.name': 'unit' })
const remote = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: TraceFlags.SAMPLED,
  isRemote: true,
  traceState: new TraceState('a=b'),
}
let warnings: string[]

beforeEach(() => {
  warnings = []
  const note = (text: string): void => void warnings.push(text)
  diag.setLogger({ error: note, warn: note, info: note, debug: note, verbose: note }, DiagLogLevel.WARN)
  context.setGlobalContextManager(new ContextManager().enable())
})

afterEach(() => {
  context.disable()
  diag.disable()
})

interface Made {
  readonly tracer: Tracer
  readonly ended: ReadableSpan[]
}

type Make = (options?: { sampler?: Sampler; spanLimits?: SpanLimits }) => Made

const ours: Make = ({ sampler = new ParentBasedSampler({ root: new AlwaysOnSampler() }), spanLimits = {} } = {}) => {
  const ended: ReadableSpan[] = []
  const provider = new TracerProvider({ resource, sampler, spanLimits, processor: processorInto(ended) })
  return { tracer: provider.getTracer('lib', '1.2', { schemaUrl: 'https://schema' }), ended }
}

const theirs: Make = ({ sampler, spanLimits } = {}) => {
  const ended: ReadableSpan[] = []
  const provider = new SdkProvider({
    resource,
    ...(sampler && { sampler }),
    ...(spanLimits && { spanLimits }),
    spanProcessors: [processorInto(ended)],
  })
  return { tracer: provider.getTracer('lib', '1.2', { schemaUrl: 'https://schema' }), ended }
}

function processorInto(ended: ReadableSpan[]) {
  return {
    onStart: () => {},
    onEnd: (span: ReadableSpan) => void ended.push(span),
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  }
}

/** All that can be read of a span but its ids and the times that were taken. */
function readable(span: ReadableSpan, timed: boolean): unknown {
  const { traceFlags, traceState } = span.spanContext()
  return {
    name: span.name,
    kind: span.kind,
    parent: span.parentSpanContext && { ...span.parentSpanContext, traceState: undefined },
    traceFlags,
    traceState: traceState?.serialize(),
    attributes: span.attributes,
    status: span.status,
    links: span.links,
    events: span.events.map(({ time, ...event }) => ({ ...event, ...(timed && { time }) })),
    dropped: [span.droppedAttributesCount, span.droppedEventsCount, span.droppedLinksCount],
    ended: span.ended,
    scope: span.instrumentationScope,
    resource: span.resource.attributes,
    ...(timed && { startTime: span.startTime, endTime: span.endTime, duration: span.duration }),
  }
}

const circular: Record<string, unknown> = {}
circular['self'] = circular

/** What is done with a tracer, the same with both. `timed`: its times are given, and so the same. */
const deeds: Record<string, { options?: Parameters<Make>[0]; timed?: true; do: (tracer: Tracer) => void }> = {
  'attributes of all kinds': {
    do(tracer) {
      const span = tracer.startSpan('a', {
        kind: SpanKind.CLIENT,
        attributes: {
          s: 'x',
          n: 1.5,
          b: false,
          list: ['a', null!],
          bytes: new Uint8Array([1]),
          map: { k: [1] },
          no: undefined,
        },
      })
      span.setAttribute('s', 'y').setAttribute('', 'nothing').setAttribute('late', 3)
      span.setAttribute('odd', new Map() as never).setAttribute('no', undefined)
      span.setAttributes({ more: 'z', list: [1], circular: circular })
      span.end()
      tracer.startSpan('b', { attributes: { fn: () => {}, '': 1, good: true } }).end()
      tracer.startSpan('c', { attributes: undefined as never }).end()
    },
  },
  'limits of attributes': {
    options: { spanLimits: { attributeCountLimit: 2, attributeValueLengthLimit: 3 } },
    do(tracer) {
      const span = tracer.startSpan('a', { attributes: { one: 'abcdef', two: 2, three: 3 } })
      span.setAttribute('four', 4).setAttribute('one', 'ghijkl').setAttribute('two', ['mnopqr'])
      span.end()
    },
  },
  'a limit of their count alone': {
    options: { spanLimits: { attributeCountLimit: 2 } },
    do(tracer) {
      tracer.startSpan('a', { attributes: { one: 1, two: 2, three: 3 } }).end()
    },
  },
  'limits of events and links': {
    options: {
      spanLimits: {
        eventCountLimit: 2,
        linkCountLimit: 1,
        attributePerEventCountLimit: 1,
        attributePerLinkCountLimit: 1,
      },
    },
    do(tracer) {
      const links = [1, 2].map((n) => ({ context: remote, attributes: { n, more: n } }))
      const span = tracer.startSpan('a', { links })
      for (const name of ['x', 'y', 'z']) span.addEvent(name, { name, more: 1 })
      span.addLink({ context: remote, attributes: { late: true } }).addLinks([{ context: remote }])
      span.end()
    },
  },
  'no events and links at all': {
    options: { spanLimits: { eventCountLimit: 0, linkCountLimit: 0 } },
    do(tracer) {
      const span = tracer.startSpan('a')
      span.addEvent('x').addLink({ context: remote })
      span.end()
    },
  },
  'status, in the order that the specification gives it': {
    do(tracer) {
      for (const statuses of [
        [{ code: SpanStatusCode.ERROR, message: 'bad' }, { code: SpanStatusCode.UNSET }],
        [{ code: SpanStatusCode.OK, message: 'no' }, { code: SpanStatusCode.ERROR }],
        [{ code: SpanStatusCode.ERROR, message: 'bad' }, { code: SpanStatusCode.ERROR }],
        [{ code: SpanStatusCode.ERROR, message: 5 as never }],
      ]) {
        const span = tracer.startSpan('a')
        for (const status of statuses) span.setStatus(status)
        span.end()
      }
    },
  },
  exceptions: {
    do(tracer) {
      const span = tracer.startSpan('a')
      span.recordException('text')
      span.recordException({ code: 7, message: 'm', stack: 'at x' })
      span.recordException({ name: 'TypeError', message: '' })
      span.recordException({} as never)
      span.end()
    },
  },
  'times that are given': {
    timed: true,
    do(tracer) {
      const start = 1_700_000_000_000
      const span = tracer.startSpan('a', { startTime: start })
      span.addEvent('date', new Date(start + 1)).addEvent('both', { x: 1 }, [1_700_000_000, 2_000_000])
      span.recordException('late', start + 3)
      span.end([1_700_000_000, 4_000_001])
      tracer.startSpan('backwards', { startTime: [1_700_000_001, 5] }).end(start)
      tracer.startSpan('dates', { startTime: new Date(start) }).end(new Date(start + 1_500))
    },
  },
  parents: {
    do(tracer) {
      const far = trace.setSpanContext(ROOT_CONTEXT, remote)
      tracer.startSpan('child', {}, far).end()
      tracer.startSpan('alone', { root: true }, far).end()
      const invalid = { traceId: 'x', spanId: 'y', traceFlags: TraceFlags.SAMPLED }
      tracer.startSpan('of nobody', {}, trace.setSpanContext(ROOT_CONTEXT, invalid)).end()
      tracer.startSpan('unseen', {}, trace.setSpanContext(ROOT_CONTEXT, { ...remote, traceFlags: 0 })).end()
      tracer.startSpan('suppressed', {}, suppressTracing(far)).end()
    },
  },
  'what a sampler adds': {
    options: {
      sampler: {
        shouldSample: (_context, _traceId, name) => ({
          decision: name === 'record' ? SamplingDecision.RECORD : SamplingDecision.RECORD_AND_SAMPLED,
          attributes: { sampled: name },
          traceState: new TraceState('s=1'),
        }),
        toString: () => 'test',
      },
    },
    do(tracer) {
      tracer.startSpan('record', { attributes: { own: 1 } }).end()
      tracer.startSpan('sample').end()
    },
  },
}

describe('a span is what the SDK makes of the same', () => {
  test.each(Object.entries(deeds))('%s', (_, deed) => {
    const [mine, sdk] = [ours, theirs].map((make) => {
      const { tracer, ended } = make(deed.options)
      deed.do(tracer)
      return ended.map((span) => readable(span, deed.timed === true))
    })
    expect(mine).toEqual(sdk)
    expect(mine!.length).toBeGreaterThan(0)
  })
})

test('parents, ids and the active span of what is started within', () => {
  const { tracer, ended } = ours()
  tracer.startActiveSpan('outer', (outer) => {
    expect(trace.getActiveSpan()).toBe(outer)
    tracer.startActiveSpan('inner', { attributes: { a: 1 } }, (inner) => inner.end())
    tracer.startActiveSpan('aside', {}, ROOT_CONTEXT, (aside) => aside.end())
    outer.end()
  })
  const [inner, aside, outer] = ended
  expect(inner!.parentSpanContext).toEqual(outer!.spanContext())
  expect(inner!.spanContext().traceId).toBe(outer!.spanContext().traceId)
  expect(aside!.parentSpanContext).toBeUndefined()
  expect(aside!.spanContext().traceId).not.toBe(outer!.spanContext().traceId)
  expect(tracer.startActiveSpan('value', () => 42)).toBe(42)
})

test('a span that is not recorded hands its decision on, and what is suppressed is nobody’s parent', () => {
  const { tracer, ended } = ours({
    sampler: { shouldSample: () => ({ decision: SamplingDecision.NOT_RECORD }), toString: () => 'off' },
  })
  const span = tracer.startSpan('unseen', {}, trace.setSpanContext(ROOT_CONTEXT, remote))
  expect(span.isRecording()).toBe(false)
  expect(span.spanContext()).toMatchObject({ traceId: remote.traceId, traceFlags: 0 })
  span.end()
  const suppressed = tracer.startSpan('x', {}, suppressTracing(ROOT_CONTEXT))
  expect(trace.isSpanContextValid(suppressed.spanContext())).toBe(false)
  expect(ended).toEqual([])
})

test('a child is timed by the clock of its parent, so that it is within it', () => {
  const { tracer, ended } = ours()
  const parent = tracer.startSpan('parent')
  const now = Date.now
  let child: Span
  try {
    Date.now = () => now() - 3_600_000
    child = tracer.startSpan('child', {}, trace.setSpan(ROOT_CONTEXT, parent))
  } finally {
    Date.now = now
  }
  child.end()
  parent.end()
  const [inside, outside] = ended.map(({ startTime, endTime }) => ({ start: ns(startTime), end: ns(endTime) }))
  expect(inside!.start).toBeGreaterThanOrEqual(outside!.start)
  expect(inside!.end).toBeLessThanOrEqual(outside!.end)
})

function ns([seconds, nanoseconds]: readonly [number, number]): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds)
}

test('what is done with a span after its end changes nothing, and the place is told', () => {
  const { tracer, ended } = ours()
  const span = tracer.startSpan('short')
  span.end()
  warnings.length = 0
  span.setAttribute('a', 1).setStatus({ code: SpanStatusCode.ERROR }).updateName('long').addEvent('x')
  span.addLink({ context: remote })
  span.end()
  expect(ended).toHaveLength(1)
  expect(ended[0]).toMatchObject({ name: 'short', attributes: {}, events: [], links: [], status: { code: 0 } })
  expect(warnings).toHaveLength(6)
  expect(warnings[0]).toMatch(
    /^Cannot execute the operation on ended Span \{traceId: [0-9a-f]{32}, spanId: [0-9a-f]{16}\} "short", at .*tracer\.test\.ts/,
  )
  expect(warnings.at(-1)).toMatch(/ - You can only call end\(\) on a span once\.$/)
})

test('Next.js, which names each request’s span once the answer is out, is not told of', () => {
  const { tracer } = ours()
  const span = tracer.startSpan('GET')
  span.end()
  const renameIn = (filename: string): void =>
    (runInThisContext('(span) => span.updateName("GET /[slug]")', { filename }) as (span: Span) => void)(span)
  renameIn('/app/node_modules/next/dist/server/base-server.js')
  expect(warnings).toEqual([])
  renameIn('/app/next/server.js')
  expect(warnings).toHaveLength(1)
})

test('one tracer for each scope, and what libraries ask of a provider', async () => {
  const asked: string[] = []
  const provider = new TracerProvider({
    resource,
    sampler: new AlwaysOnSampler(),
    spanLimits: {},
    processor: {
      onStart: () => {},
      onEnd: () => {},
      forceFlush: () => Promise.resolve(void asked.push('flush')),
      shutdown: () => Promise.resolve(void asked.push('shutdown')),
    },
  })
  expect(provider.getTracer('a', '1')).toBe(provider.getTracer('a', '1'))
  expect(provider.getTracer('a', '1')).not.toBe(provider.getTracer('a', '2'))
  await provider.forceFlush()
  await provider.shutdown()
  expect(asked).toEqual(['flush', 'shutdown'])
})
