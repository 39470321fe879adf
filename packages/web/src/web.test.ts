import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { context, ROOT_CONTEXT, trace } from '@opentelemetry/api'
import { rolldown } from 'rolldown'
import { expect, test, vi } from 'vitest'
import { resolveOptions } from './options.ts'
import { mayCarry, parseTraceparent, traceparentOf } from './propagation.ts'
import { shownUrl } from './redact.ts'
import { createSession } from './session.ts'
import type { WebSpan } from './span.ts'
import { createContextManager, createTracer, isWithin } from './tracer.ts'
import { version } from './version.ts'

const page = 'https://shop.example/cart'
const owner = { common: () => ({}), began() {}, ended() {} }

test('the file for a script tag is small, and runs where nothing else is', async () => {
  const build = await rolldown({
    input: fileURLToPath(new URL('./script.ts', import.meta.url)),
    platform: 'browser',
    logLevel: 'silent',
  })
  const { output } = await build.generate({ format: 'iife', minify: true })
  await build.close()
  expect(output).toHaveLength(1)
  const { code } = output[0]
  // Of 35 kB that a page may be asked for; with OpenTelemetry's web packages it is 27 (docs/adr/0038-web.md).
  expect(gzipSync(code, { level: 9 }).length).toBeLessThanOrEqual(12_000)
  expect(code).not.toMatch(/\bprocess\.|\brequire\(|^import /m)
})

test('says the version that it is published as', () => {
  expect(version).toBe(JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version)
})

test('an address is completed, and one that cannot be meant is refused with its option', () => {
  const url = (text: string): string => resolveOptions({ service: 'web', url: text }, page).url
  expect(url('http://127.0.0.1:4318')).toBe('http://127.0.0.1:4318/v1/traces')
  expect(url('https://collector.example/otlp/v1/traces')).toBe('https://collector.example/otlp/v1/traces')
  expect(url('/telemetry')).toBe('https://shop.example/telemetry')
  expect(resolveOptions({ service: 'web' }, page)).toMatchObject({
    url: 'http://localhost:4318/v1/traces',
    delayMs: 1_000,
  })
  for (const bad of ['localhost:4318', 'ftp://x', ''])
    expect(() => url(bad)).toThrow(/^@spoor\/web: url: .* is not an address with http/)
  expect(() => resolveOptions({ service: ' ' }, page)).toThrow(/^@spoor\/web: service: /)
  expect(() => resolveOptions({ service: 'web', sampleRatio: 10 }, page)).toThrow(
    '@spoor/web: sampleRatio: 10 is not a number from 0 to 1',
  )
  expect(() => resolveOptions({ service: 'web', sampleRatio: NaN }, page)).toThrow(/sampleRatio/)
  expect(() => resolveOptions({ service: 'web', propagateTo: ['api.shop.example'] }, page)).toThrow(
    /^@spoor\/web: propagateTo: /,
  )
})

test('only the own origin and those that are allowed are told of the trace', () => {
  vi.stubGlobal('location', new URL(page))
  const settings = resolveOptions(
    { service: 'web', propagateTo: ['https://api.example/v1', /^https:\/\/.*\.internal\//] },
    page,
  )
  const allowed = (url: string): boolean => mayCarry(new URL(url), settings)
  expect(['https://shop.example/x', 'https://api.example/v2', 'https://a.internal/'].map(allowed)).toEqual([
    true,
    true,
    true,
  ])
  // Another scheme or port is another origin, and a name that only begins alike is another host.
  const others = [
    'http://shop.example/x',
    'https://shop.example:8443/',
    'https://api.example.evil/',
    'https://ads.example/',
    'data:,x',
  ]
  expect(others.map(allowed)).toEqual([false, false, false, false, false])
  vi.unstubAllGlobals()
})

test('traceparent is read and written, and what is none is not taken', () => {
  const text = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
  expect(traceparentOf(parseTraceparent(text)!)).toBe(text)
  for (const bad of [
    '',
    text.toUpperCase(),
    text.replace('b7ad6b7169203331', '0000000000000000'),
    `${text}-more`,
    text.replace('00-', 'ff-'),
  ])
    expect(parseTraceparent(bad)).toBeUndefined()
})

test('a trace is recorded whole or not at all, and a larger share has all of a smaller one', () => {
  const ids = Array.from({ length: 4_000 }, () => crypto.randomUUID().replaceAll('-', ''))
  const share = (ratio: number): string[] => ids.filter((id) => isWithin(id, ratio))
  expect(share(1)).toHaveLength(4_000)
  expect(share(0)).toHaveLength(0)
  expect(share(0.25).length).toBeGreaterThan(850)
  expect(share(0.25).length).toBeLessThan(1_150)
  expect(share(0.5)).toEqual(expect.arrayContaining(share(0.25)))
  const none = createTracer('x', owner, 0).startSpan('root', {}, ROOT_CONTEXT)
  expect(none.isRecording()).toBe(false)
  const below = trace.setSpan(ROOT_CONTEXT, none)
  const child = createTracer('x', owner, 1).startSpan('child', {}, below)
  expect(child.isRecording()).toBe(false)
  expect(child.spanContext()).toMatchObject({ traceId: none.spanContext().traceId, traceFlags: 0 })
})

test('a span is above what is started while it is active, and no longer', () => {
  context.setGlobalContextManager(createContextManager())
  const tracer = createTracer('x', owner, 1)
  const child = tracer.startActiveSpan('parent', (parent) => {
    const span = tracer.startSpan('child') as WebSpan
    expect(span.parentSpanId).toBe(parent.spanContext().spanId)
    return span
  })
  expect(child.context.traceId).toMatch(/^[0-9a-f]{32}$/)
  expect((tracer.startSpan('next') as WebSpan).parentSpanId).toBeUndefined()
  expect(() =>
    tracer.startActiveSpan('throws', () => {
      throw new Error('no')
    }),
  ).toThrow('no')
  expect((tracer.startSpan('after it') as WebSpan).parentSpanId).toBeUndefined()
  context.disable()
})

test('a span has so many attributes and events, and counts the others', () => {
  const span = createTracer('x', owner, 1).startSpan('big', {}, ROOT_CONTEXT) as WebSpan
  for (let i = 0; i < 200; i++) span.setAttribute(`a${i}`, i).addEvent('e')
  span.setAttribute('a0', 'x'.repeat(10_000))
  expect(Object.keys(span.attributes)).toHaveLength(128)
  expect(span.attributes['a0']).toHaveLength(4_096)
  expect([span.droppedAttributes, span.events.length, span.droppedEvents]).toEqual([72, 128, 72])
  span.end()
  span.setAttribute('late', 1)
  expect(span.attributes['late']).toBeUndefined()
})

test('secrets of an address are in no span', () => {
  const shown = (text: string): string => shownUrl(new URL(text))
  expect(shown('https://ada:pw@x.example/a?token=1&page=2&api_key=3#part')).toBe(
    'https://x.example/a?token=REDACTED&page=2&api_key=REDACTED',
  )
  expect(shown('https://x.example/a?monkey=1')).toBe('https://x.example/a?monkey=1')
})

test('a session is that of the tab until half an hour has passed, and goes on where nothing may be kept', () => {
  const kept = new Map<string, string>()
  const storage = {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, value: string) => kept.set(key, value),
  } as unknown as Storage
  let at = 1_000
  const first = createSession(
    () => storage,
    () => at,
  )()
  at += 29 * 60_000
  const next = createSession(
    () => storage,
    () => at,
  )
  expect(next()).toBe(first)
  at += 31 * 60_000
  expect(next()).not.toBe(first)
  const forbidden = createSession(
    () => {
      throw new DOMException('no', 'SecurityError')
    },
    () => at,
  )
  expect(forbidden()).toBe(forbidden())
})
