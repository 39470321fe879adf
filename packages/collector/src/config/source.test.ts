import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ConfigText } from './document.ts'
import { readConfigFile } from './read.ts'
import { readSource } from './source.ts'
import { readConfigTexts, setText } from './uris.ts'

type Files = Readonly<Record<string, string>>

function read(texts: readonly (string | ConfigText)[], files: Files = {}, env: Record<string, string> = {}) {
  const source = readSource(
    texts.map((text, index) => (typeof text === 'string' ? { text, file: `${index}.yaml` } : text)),
    {
      env,
      readFile(file) {
        const text = files[file]
        if (text === undefined) throw new Error(`unable to read the file ${file}: no such file or directory`)
        return text
      },
    },
  )
  const issues = source.issues.map(
    ({ path, message, place }) => `${place.file}:${place.line} ${path.join('.')}: ${message}`,
  )
  const placeOf = (...path: (string | number)[]) => {
    const { file, line } = source.issueAt(path, '').place
    return line === 0 ? file : `${file}:${line}`
  }
  return { value: source.value, issues, placeOf, source }
}

describe('several texts', () => {
  test('are merged mapping by mapping; scalars and lists are replaced', () => {
    const { value, placeOf } = read(['a: {x: 1, y: [1, 2]}\nb: 1', 'a: {y: [3], z: 2}', 'c: 3'])
    expect(value).toEqual({ a: { x: 1, y: [3], z: 2 }, b: 1, c: 3 })
    expect(placeOf('a', 'x')).toBe('0.yaml:1')
    expect(placeOf('a', 'y', 0)).toBe('1.yaml:1')
    expect(placeOf('b')).toBe('0.yaml:2')
    expect(placeOf('c')).toBe('2.yaml:1')
  })

  test('a key without a value takes away what was there; an empty text adds nothing', () => {
    expect(read(['a: {x: 1}\nb: 1', 'a:', '', '# nothing']).value).toEqual({ a: null, b: 1 })
  })

  test('what a later one takes away is not looked at', () => {
    const { value, issues } = read(['a: "${file:gone}"', 'a: 1'])
    expect(issues).toEqual([])
    expect(value).toEqual({ a: 1 })
  })

  test('a key with :: goes levels down at the top, and nowhere else', () => {
    const { value, placeOf } = read(['a::b::c: 1\na::d: {e::f: 2}\na: {g: 3}'])
    expect(value).toEqual({ a: { g: 3, b: { c: 1 }, d: { 'e::f': 2 } } })
    expect(placeOf('a', 'b', 'c')).toBe('0.yaml:1')
    expect(placeOf('a', 'd')).toBe('0.yaml:2')
  })

  test('--set goes over all, and errors name it', () => {
    const { value, placeOf } = read(['a: {b: 1, c: 2}', setText('a.b=[x, y]'), setText('d="0123"'), setText('e=')])
    expect(value).toEqual({ a: { b: ['x', 'y'], c: 2 }, d: '0123', e: null })
    expect(placeOf('a', 'b')).toBe('--set a.b=[x, y]')
    expect(() => setText('key:name')).toThrow('--set key:name: missing equal sign')
    expect(() => setText('=1')).toThrow('missing key')
  })

  test('the mistakes of all are told, each at its place', () => {
    expect(read(['a: [', 'b: 1\nb: 2', setText('c={')]).issues.map((line) => line.split(' ', 1)[0])).toEqual([
      '0.yaml:1',
      '1.yaml:2',
      '--set',
    ])
  })
})

describe('files in a configuration', () => {
  test('stand for the values that they hold, with their own places and references', () => {
    const files = { 'exporters.yaml': 'otlp:\n  endpoint: ${HOST}:4317\n  n: ${file:n}\n', n: '7\n' }
    const { value, placeOf } = read(['exporters: ${file:exporters.yaml}'], files, { HOST: 'jaeger' })
    expect(value).toEqual({ exporters: { otlp: { endpoint: 'jaeger:4317', n: 7 } } })
    expect(placeOf('exporters', 'otlp', 'endpoint')).toBe('exporters.yaml:2')
    expect(placeOf('exporters')).toBe('0.yaml:1')
  })

  test('in a text they are one value, without the last line break', () => {
    const files = { token: 's3cret\n', list: '[a]' }
    expect(read(['a: Bearer ${file:token}'], files).value).toEqual({ a: 'Bearer s3cret' })
    expect(read(['a: x ${file:list}'], files).issues).toEqual([
      '0.yaml:1 a: file:list is not one value, which it must be in a text',
    ])
  })

  test('text stays text where text is wanted', () => {
    const { value, source } = read(['a: ${file:token}'], { token: '0123\n' })
    expect(value).toEqual({ a: 123 })
    expect(source.originalAt(['a'])).toBe('0123')
  })

  test.each<[string, Files, string]>([
    ['that are not there', {}, '0.yaml:1 a: unable to read the file x: no such file or directory'],
    ['that name themselves', { x: 'b: ${file:x}' }, 'x:1 a.b: file:x -> file:x: it names itself'],
    ['in a circle', { x: '${file:y}', y: '[1, "${file:x}"]' }, 'y:1 a.1: file:x -> file:y -> file:x: it names itself'],
    ['that are no YAML', { x: 'b: [' }, 'x:1 a: Flow sequence in block collection must be sufficiently indented'],
    ['made to hurt', { x: '['.repeat(9999) }, 'x:1 a: nested too deeply (more than 64 levels)'],
  ])('%s are told', (_, files, expected) => {
    expect(read(['a: ${file:x}'], files).issues[0]).toContain(expected)
  })

  test('each naming the next are followed to a limit', () => {
    const files = Object.fromEntries(Array.from({ length: 30 }, (_, i) => [`f${i}`, `\${file:f${i + 1}}`]))
    expect(read(['a: ${file:f0}'], files).issues[0]).toContain('more than 20 files name each other')
  })

  test('growing without end are stopped', () => {
    const files = Object.fromEntries(
      Array.from({ length: 15 }, (_, i) => [`f${i}`, `[${`"\${file:f${i + 1}}",`.repeat(4)}]`]),
    )
    expect(read(['a: ${file:f0}'], { ...files, f15: '1' }).issues[0]).toMatch(/references (in it make|expand to) /)
  })

  test('YAML on the spot', () => {
    expect(read(['a: "${yaml:b: [1, 2]}"', setText('c=${yaml:3}')]).value).toEqual({ a: { b: [1, 2] }, c: 3 })
  })
})

test('configurations come from files, variables and the command line', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'spoor-config-'))
  onTestFinished(() => rm(directory, { recursive: true }))
  const file = join(directory, 'a.yaml')
  await writeFile(file, 'a: 1\n')
  const uris = [file, `file:${file}`, 'env:CONFIG', 'yaml:a::b: 2']
  expect(await readConfigTexts(uris, { CONFIG: 'c: 3' })).toEqual([
    { text: 'a: 1\n', file, path: file },
    { text: 'a: 1\n', file, path: file },
    { text: 'c: 3', file: 'env:CONFIG' },
    { text: 'a::b: 2', file: 'yaml:a::b: 2', isArgument: true },
  ])
  await expect(readConfigTexts([join(directory, 'no')], {})).rejects.toThrow(/--config .*no: ENOENT/)
  await expect(readConfigTexts(['s3:bucket'], {})).rejects.toThrow('--config s3:bucket: scheme "s3" is not supported')
  expect(readConfigFile(file)).toBe('a: 1\n')
  expect(() => readConfigFile(directory)).toThrow(`unable to read the file ${directory}: illegal operation`)
  expect(() => readConfigFile(`${file}.no`)).toThrow(`unable to read the file ${file}.no: no such file or directory`)
})
