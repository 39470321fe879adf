import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, onTestFinished, test } from 'vitest'
import { CollectorError } from '../component/index.ts'
import { builtinFactories } from '../factories.ts'
import { MAX_TEXT_BYTES, refusalOf } from './guard.ts'
import { loadConfig } from './load.ts'
import { readConfigFile, readConfigText } from './read.ts'

/** What loading says. Anything but a CollectorError fails the test: a stack overflow is a RangeError. */
function refusal(text: string, env: Record<string, string> = {}): string {
  try {
    loadConfig({
      texts: [{ text, file: 'otel.yaml' }],
      env,
      readFile: readConfigFile,
      factories: builtinFactories,
    })
  } catch (error) {
    expect(error).toBeInstanceOf(CollectorError)
    return (error as CollectorError).message
  }
  return ''
}

const rows = (count: number, row: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => row(index)).join('')
/** Each line ten times, or twice, the line before. */
const doubled = (of: (before: string) => string, lines = 30): string =>
  `a: &b0 {x: 1}\n${rows(lines, (index) => `b${index + 1}: &b${index + 1} ${of(`*b${index}`)}\n`)}`
const pipeline = (exporter: string): string =>
  `receivers: {nop: }\nexporters: {otlp_http: {${exporter}}}\nservice: {pipelines: {traces: {receivers: [nop], exporters: [otlp_http]}}}`

describe('a text that was made to hurt is refused at its place', () => {
  test.each<[string, string, RegExp]>([
    ['laughs', doubled((b) => `[${rows(10, () => `${b},`)}]`), /^otel\.yaml:\d+:\d+ b\d.*aliases in it make more than/],
    ['laughs in mappings', doubled((b) => `{p: ${b}, q: ${b}}`), /^otel\.yaml:\d+:\d+ b\d.*aliases in it make more/],
    ['laughs in merge keys', doubled((b) => `{<<: [${b}, ${b}]}`), /^otel\.yaml:\d+:\d+ b\d.*aliases in it make more/],
    ['a list of itself', 'a: &a [*a, *a]', /^otel\.yaml:1:8 a\[0\].*nested too deeply/],
    ['a mapping merged with itself', '&a {<<: *a, b: *a}', /^otel\.yaml:1:1 .*nested too deeply/],
    ['an alias of nothing', 'a: *nope', /^otel\.yaml:1:4 \*nope: there is no anchor &nope before it/],
    ['lists in brackets', '['.repeat(20_000), /^otel\.yaml:1:64 nested too deeply \(more than 64 levels\)/],
    ['closed ones', `${'['.repeat(20_000)}${']'.repeat(20_000)}`, /^otel\.yaml:1:64 nested too deeply/],
    ['mappings in braces', '{a: '.repeat(20_000), /^otel\.yaml:1:253 nested too deeply/],
    ['lists of dashes', `${'- '.repeat(20_000)}a`, /^otel\.yaml:1:129 nested too deeply/],
    ['keys of keys', `${'? '.repeat(20_000)}a`, /^otel\.yaml:1:129 nested too deeply/],
    ['both', '? - '.repeat(10_000), /^otel\.yaml:1:129 nested too deeply/],
    ['mappings by indent', rows(1000, (index) => `${' '.repeat(index)}a:\n`), /^otel\.yaml:65:65 nested too deeply/],
    ['a deep one below', `a:\n  b: [1]\n  c:\n    ${'- '.repeat(100)}`, /^otel\.yaml:4:\d+ nested too deeply/],
    ['many values', `[${'1,'.repeat(400_000)}]`, /^otel\.yaml:1:100001 too long: more than 100000 tokens/],
    ['many keys', rows(40_000, (index) => `k${index}: 1\n`), /^otel\.yaml:20001:1 too long/],
    ['many errors', `[${','.repeat(49_000)}`, /^otel\.yaml:1:3 Unexpected ,/],
    ['a huge text', 'abc: def\n'.repeat(1_000_000), /^otel\.yaml:116509:5 too large: a configuration has at most/],
    ['spaces in an id', `receivers: {"${' '.repeat(400_000)}x": }`, /unknown receiver type "x"/],
    ['slashes in an endpoint', pipeline(`endpoint: "http://a${'/'.repeat(900_000)}b"`), /^otel\.yaml:2:25 .*too long/],
    ['digits of a duration', pipeline(`endpoint: "http://a", timeout: "${'1'.repeat(900_000)}"`), /not a duration/],
    ['a long unknown key', `receivers: {nop: {${'k'.repeat(900_000)}: 1}}`, /unknown key; known/],
  ])('%s', (_, text, expected) => {
    const message = refusal(text)
    expect(message.split('\n').find((line) => expected.test(line))).toBeDefined()
    expect(message.length).toBeLessThan(10_000)
  })

  test.each<[string, string, RegExp]>([
    ['variables that double', 'a: ${A0}', /^otel\.yaml:1:1 a: the references expand to too much/],
    ['references in references', `a: "${'${'.repeat(40_000)}X${'}'.repeat(40_000)}"`, /a: the references/],
    ['many references', `a: "${'${X}'.repeat(100_000)}"`, /^otel\.yaml:1:1 a: the references expand/],
    ['a large one, often', `a: "${'${LARGE}'.repeat(1000)}"`, /^otel\.yaml:1:1 a: the references expand/],
    ['a deep value', 'receivers: ${DEEP}', /^otel\.yaml:1:1 receivers: the value .* is nested too deeply/],
    ['unclosed references', `a: "${'${'.repeat(400_000)}"`, /^otel\.yaml:1:1 a: unknown key/],
  ])('%s', (_, text, expected) => {
    const doubling = Object.fromEntries(Array.from({ length: 99 }, (__, i) => [`A${i}`, `\${A${i + 1}}\${A${i + 1}}`]))
    const env = { ...doubling, X: '1', LARGE: 'x'.repeat(100_000), DEEP: '['.repeat(20_000) }
    expect(refusal(text, env)).toMatch(expected)
  })

  test('of many mistakes a hundred are told', () => {
    const lines = refusal(rows(500, (index) => `k${index}: 1\n`)).split('\n')
    expect(lines.length).toBe(101)
    expect(lines.at(-1)).toMatch(/^… and \d+ more$/)
  })
})

test('a key is a name', () => {
  expect(refusal('a: 1\n? [b]\n: 2\n')).toContain('otel.yaml:2:3 a key must be a name, not a list or a mapping')
})

test('keys that come twice are told where they are, whatever is between', () => {
  expect(refusal('receivers:\n  nop:\n  otlp:\n  nop:\n')).toContain('otel.yaml:4:3 Map keys must be unique')
})

test('a config of usual depth and size is not refused', () => {
  expect(refusalOf(`a:${rows(60, (index) => `\n${' '.repeat(index + 1)}a:`)}`)).toBeUndefined()
  expect(
    refusalOf(rows(1000, (index) => `k${index}:\n  - [{a: 1}, {b: 2}]\n  - c: |\n      - - - - -\n`)),
  ).toBeUndefined()
  expect(refusalOf(`a: "${'[{- '.repeat(10_000)}"`)).toBeUndefined()
})

test('any text is loaded or refused with its place', () => {
  const piece = fc.constantFrom(
    'a',
    'b: ',
    ': ',
    '- ',
    '? ',
    '[',
    ']',
    '{',
    '}',
    ', ',
    '\n',
    '  ',
    '&a ',
    '*a',
    '<<: ',
    '"',
    "'",
    '|\n',
    '---\n',
    '${X}',
    '${',
    '}',
    '#',
    '!!t ',
    '%',
    '\t',
    '\r',
    'receivers:\n  nop:\n',
    'service: ',
    '\uFEFF',
    '\u0002',
    '\u0018',
  )
  const property = fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
    const message = refusal(pieces.join(''), { X: '${X}' })
    for (const line of message.split('\n').filter((one) => one.startsWith('otel.yaml'))) {
      expect(line).toMatch(/^otel\.yaml:\d+:\d+ /)
    }
  })
  fc.assert(property, { numRuns: 1000 })
})

describe('readConfigText', () => {
  async function fileOf(bytes: number): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'spoor-config-'))
    onTestFinished(async () => rm(directory, { recursive: true }))
    const file = join(directory, 'otel.yaml')
    await writeFile(file, 'abc: déf\n'.repeat(Math.ceil(bytes / 10)))
    return file
  }

  test('reads a file up to the limit', async () => {
    expect(Buffer.byteLength(await readConfigText(await fileOf(100_000)))).toBe(100_000)
  })

  test('reads no more than that of a larger one', async () => {
    const file = await fileOf(MAX_TEXT_BYTES)
    await expect(readConfigText(file)).rejects.toMatchObject({
      code: 'config',
      message: expect.stringMatching(
        /otel\.yaml:\d+:\d+ too large: a configuration has at most 1048576 bytes$/,
      ) as string,
    })
  })

  test.skipIf(process.platform === 'win32')('ends on a device without end', async () => {
    await expect(readConfigText('/dev/zero')).rejects.toMatchObject({ code: 'config' })
  })

  test('a file that is not there is what the system says', async () => {
    await expect(readConfigText('/nowhere/otel.yaml')).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
