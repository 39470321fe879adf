import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { durationMs, headers, parseHostPort, parsePeer, section } from './schema.ts'

describe('section', () => {
  const inner = section({ size: z.int().default(7) })
  const schema = section({ name: z.string().default('x'), wait: durationMs.prefault('200ms'), on: inner.optional() }, [
    'on',
  ])

  test.each([
    ['nothing', null, { name: 'x', wait: 200 }],
    ['null leaves a default', { name: null }, { name: 'x', wait: 200 }],
    ['a switch without value is on', { on: null }, { name: 'x', wait: 200, on: { size: 7 } }],
    ['enabled: true', { on: { enabled: true, size: 1 } }, { name: 'x', wait: 200, on: { size: 1 } }],
    ['enabled: false', { on: { enabled: false } }, { name: 'x', wait: 200 }],
  ])('%s', (_, input, output) => {
    expect(schema.parse(input)).toEqual(output)
  })

  test('names the nearest known key for each unknown one', () => {
    const result = schema.safeParse({ nmae: 'y', qqq: 1 })
    expect(result.error?.issues[0]).toMatchObject({
      keys: ['nmae', 'qqq'],
      message: 'unknown key; did you mean "name"?; known: name, wait, on\nunknown key; known: name, wait, on',
    })
  })

  test('is not fooled by something else than a mapping', () => {
    expect(schema.safeParse('text').success).toBe(false)
    expect(schema.safeParse([]).success).toBe(false)
  })
})

test.each([
  ['200ms', 200],
  ['1m30s', 90_000],
  ['0', 0],
  [1_500_000, 1.5],
])('duration %s is %d ms', (input, milliseconds) => {
  expect(durationMs.parse(input)).toBe(milliseconds)
})

test.each(['5 parsecs', '-1s', -1, true, '', null])('%s is not a duration', (input) => {
  expect(durationMs.safeParse(input).error?.issues[0]?.message).toBe(
    `${JSON.stringify(input)}: not a duration; write it like 200ms, 5s or 1m30s`,
  )
})

test.each([
  ['localhost:4317', { host: 'localhost', port: 4317 }],
  [':4317', { host: '', port: 4317 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:', { host: 'localhost', port: 0 }],
])('listens on %s', (text, expected) => {
  expect(parseHostPort(text)).toEqual(expected)
})

test.each([
  ['jaeger:4317', { scheme: undefined, host: 'jaeger', port: 4317, path: '' }],
  ['dns:///jaeger:4317', { scheme: undefined, host: 'jaeger', port: 4317, path: '' }],
  ['http://jaeger:4318/', { scheme: 'http', host: 'jaeger', port: 4318, path: '' }],
  ['https://otlp.example.com/base', { scheme: 'https', host: 'otlp.example.com', port: 443, path: '/base' }],
  ['http://[::1]:4317', { scheme: 'http', host: '::1', port: 4317, path: '' }],
])('sends to %s', (text, expected) => {
  expect(parsePeer(text)).toEqual(expected)
})

test.each([
  ['jaeger:99999', '"jaeger:99999": port out of range (1-65535)'],
  ['jaeger:0', '"jaeger:0": port out of range (1-65535)'],
  ['jaeger:', '"jaeger:": port out of range (1-65535)'],
  ['jaeger', '"jaeger": not an endpoint; write host:port, like localhost:4317'],
  [':4317', '":4317": no host; write host:port, like jaeger:4317'],
  [
    'unix:///run/otlp.sock',
    '"unix:///run/otlp.sock": not a usable URL; write host:port, http://host:port or https://host:port',
  ],
  ['', 'requires a non-empty endpoint; write host:port, like jaeger:4317'],
])('does not send to %s', (text, message) => {
  expect(() => parsePeer(text)).toThrow(message)
})

test('headers are a mapping, or a list of names with values', () => {
  const expected = { a: 'b', c: '' }
  expect(headers.parse({ a: 'b', c: null })).toEqual(expected)
  expect(headers.parse([{ name: 'a', value: 'b' }, { name: 'c' }])).toEqual(expected)
  expect(headers.safeParse([{ value: 'b' }]).success).toBe(false)
})
