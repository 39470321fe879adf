import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { encodeTraces, type Span, tracesToJson } from '@spoor/otlp'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { SearchResponse } from '../api.ts'
import { createLogger } from '../logging.ts'
import { spanIdOf, startTestSpoor, type TestSpoor, traceIdOf } from '../testkit.ts'
import { USUAL_OTLP_HTTP } from '../ports.ts'
import { openDestination } from './import/destination.ts'
import { importFiles } from './import.ts'
import { bareSpan, cli, cliJson, EVERY_KIND, spanWith, START, tracesOf } from './testkit.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Report {
  to: string
  spans: number
  traces: number
  refused: { reason: string; spans: number; pieces: number; first: string }[]
  leftOut: { what: string; pieces: number }[]
}

let root: string
let data: string
let running: TestSpoor | undefined
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-import-'))
  data = join(root, 'data')
})
afterEach(async () => {
  await running?.stop()
  running = undefined
  await rm(root, { recursive: true, force: true })
})

const write = async (name: string, content: string | Uint8Array): Promise<string> => {
  const path = join(root, name)
  await writeFile(path, content)
  return path
}
const importInto = async (...files: string[]): Promise<{ code: number; report: Report }> => {
  const { code, report } = await cliJson('import', ...files, '--data', data)
  return { code, report: report as Report }
}
const start = async (directory = data): Promise<TestSpoor> => (running = await startTestSpoor({ data: directory }))

const request = (spans: readonly Span[]): Uint8Array => encodeTraces(tracesOf(spans))
const json = (spans: readonly Span[]): string => tracesToJson(request(spans))
const framed = (...messages: Uint8Array[]): Buffer =>
  Buffer.concat(
    messages.flatMap((message) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(message.length)
      return [length, message]
    }),
  )
const numbered = (from: number, count: number): Span[] =>
  Array.from({ length: count }, (_, i) =>
    spanWith({ traceId: traceIdOf(from + i), spanId: spanIdOf(1), parentSpanId: '' }),
  )

/** Each form with spans 1 to 4 in it. */
const FORMS: Readonly<Record<string, () => string | Uint8Array>> = {
  'OTLP/JSON': () => json(numbered(1, 4)),
  'OTLP/JSON over several lines': () => `\n${JSON.stringify(JSON.parse(json(numbered(1, 4))), undefined, 2)}\n`,
  'an array': () => `[${json(numbered(1, 2))}, ${json(numbered(3, 2))}]`,
  'JSON lines': () => `${json(numbered(1, 2))}\n${json(numbered(3, 1))}\r\n\n${json(numbered(4, 1))}`,
  'JSON with a byte order mark': () => `\uFEFF${json(numbered(1, 4))}`,
  'the answer of /api/v3': () => `{"result":${json(numbered(1, 4))}}`,
  snake_case: () =>
    json(numbered(1, 4)).replace('"resourceSpans"', '"resource_spans"').replaceAll('"scopeSpans"', '"scope_spans"'),
  'one protobuf message': () => Buffer.concat([request(numbered(1, 3)), request(numbered(4, 1))]),
  'framed protobuf messages': () => framed(request(numbered(1, 3)), new Uint8Array(), request(numbered(4, 1))),
  'framed protobuf, each compressed': () =>
    framed(zstdCompressSync(request(numbered(1, 3))), zstdCompressSync(request(numbered(4, 1)))),
  'framed JSON, each compressed': () => framed(zstdCompressSync(Buffer.from(json(numbered(1, 4))))),
}
const CODINGS: Readonly<Record<string, (bytes: Uint8Array) => Uint8Array>> = {
  plain: (bytes) => bytes,
  gzip: (bytes) => Buffer.concat([gzipSync(bytes.subarray(0, 10)), gzipSync(bytes.subarray(10))]),
  zstd: (bytes) => Buffer.concat([zstdCompressSync(bytes.subarray(0, 10)), zstdCompressSync(bytes.subarray(10))]),
}

describe('spoor import', () => {
  it.each(Object.keys(FORMS))('takes %s, plain, gzip and zstd, whatever the name', async (form) => {
    const files = Object.entries(CODINGS).map(([name, code]) => write(name, code(Buffer.from(FORMS[form]!()))))
    const { code, report } = await importInto(...(await Promise.all(files)))
    expect([code, report]).toEqual([0, expect.objectContaining({ spans: 12, traces: 4, refused: [] })])
    const spoor = await start()
    for (let trace = 1; trace <= 4; trace++) {
      const answer = await spoor.get(`/api/spoor/v1/traces/${traceIdOf(trace)}?format=json`)
      const { resourceSpans } = JSON.parse(await answer.text()) as { resourceSpans: unknown[] }
      const [wanted] = (JSON.parse(json(numbered(trace, 1))) as { resourceSpans: unknown[] }).resourceSpans
      expect(resourceSpans).toEqual([wanted, wanted, wanted])
    }
  })

  it('gives back an OTLP/JSON answer byte for byte', async () => {
    const source = await start(join(root, 'source'))
    await source.post(request([spanWith({}), spanWith({ spanId: 'b'.repeat(16), kind: 0, attributes: [] })]))
    await source.post(request([bareSpan({ spanId: 'c'.repeat(16) })]))
    const path = `/api/spoor/v1/traces/${spanWith({}).traceId}?format=json`
    const before = await (await source.get(path)).text()
    await source.stop()
    expect((await importInto(await write('trace.json', before))).report).toMatchObject({
      spans: 3,
      traces: 1,
      refused: [],
    })
    const again = await start()
    expect(await (await again.get(path)).text()).toBe(before)
  })

  it.each(['', '?raw=true'])('gives back an answer of Jaeger’s API (%s) as it was', async (query) => {
    const source = await start(join(root, 'source'))
    const attributes = [...EVERY_KIND, { key: 'span.kind', value: { type: 'string', value: 'mine' } as const }]
    const link = {
      ...spanWith({}).links[0]!,
      attributes: [{ key: 'opentracing.ref_type', value: { type: 'string', value: 'child_of' } as const }],
    }
    const warnings = {
      key: '@jaeger@warnings',
      value: { type: 'array', value: [{ type: 'string', value: 'late' }] } as const,
    }
    const ownLink = { ...link, traceId: spanWith({}).traceId, spanId: '00000000000000f0' }
    const spans = [
      spanWith({ attributes, links: [...spanWith({}).links, link, { ...ownLink, attributes: [] }] }),
      spanWith({ spanId: 'b'.repeat(16), kind: 3, status: { code: 1, message: '' }, attributes: [warnings] }),
      bareSpan({ spanId: '00000000000000f0', links: [{ ...ownLink, spanId: '00000000000000a1', attributes: [] }] }),
    ]
    await source.post(request(spans))
    await source.post(
      encodeTraces(
        tracesOf([bareSpan({ spanId: 'd'.repeat(16), name: 'x' })], {
          resource: { attributes: [], droppedAttributesCount: 0 },
        }),
      ),
    )
    const low = bareSpan({ traceId: traceIdOf(77), spanId: 'd'.repeat(16) })
    await source.post(
      encodeTraces(tracesOf([low], { resource: { attributes: EVERY_KIND, droppedAttributesCount: 0 } })),
    )
    const paths = [`/api/traces/${spanWith({}).traceId}${query}`, `/api/traces/${traceIdOf(77)}${query}`]
    const files: string[] = []
    const before: string[] = []
    for (const [index, path] of paths.entries()) {
      before.push(await (await source.get(path)).text())
      files.push(await write(`${index}.json`, before.at(-1)!))
    }
    await source.stop()
    expect((await importInto(...files)).report).toMatchObject({ spans: 5, traces: 2, refused: [] })
    const again = await start()
    for (const [index, path] of paths.entries())
      expect(await (await again.get(path)).json()).toEqual(JSON.parse(before[index]!))
  })

  it('takes a large trace of Jaeger’s JSON, whose processes stand behind its spans', async () => {
    const spans = Array.from({ length: 2_000 }, (_, i) => ({
      traceID: 'abc',
      spanID: (i + 1).toString(16),
      operationName: 'op',
      references: [],
      startTime: Number(START / 1000n) + i,
      duration: 5,
      tags: [],
      logs: [],
      processID: `p${i % 2}`,
      warnings: null,
    }))
    const processes = { p0: { serviceName: 'zero', tags: [] }, p1: { serviceName: 'one', tags: [] } }
    const trace = JSON.stringify({ traceID: 'abc', spans, processes })
    const other = JSON.stringify({ processes, spans: spans.map((span) => ({ ...span, traceID: 'abd' })) })
    const { report } = await importInto(
      await write('large', `{"data":[${trace}],"total":0}`),
      await write('one', other),
    )
    expect(report).toMatchObject({ spans: 4_000, traces: 2, refused: [] })
    const spoor = await start()
    const { traces } = await spoor.json<SearchResponse>('/api/spoor/v1/search?limit=10')
    expect(traces.map(({ spans, services }) => [spans, services.map(({ name, spans }) => [name, spans])])).toEqual(
      Array.from({ length: 2 }, () => [
        2_000,
        [
          ['one', 1_000],
          ['zero', 1_000],
        ],
      ]),
    )
  })

  it('shows once what is imported twice', async () => {
    const file = await write('spans', json(numbered(1, 20)))
    await importInto(file, file)
    await importInto(file)
    const spoor = await start()
    const { traces } = await spoor.json<SearchResponse>('/api/spoor/v1/search?limit=100')
    expect(traces.map(({ spans }) => spans)).toEqual(Array.from({ length: 20 }, () => 1))
  })

  it('refuses what is not valid, with reason and place, and takes the rest', async () => {
    const [good, alsoGood] = numbered(1, 2) as [Span, Span]
    const badId = json([good]).replace(/"spanId":"0{15}1"/, '"spanId":"12"')
    const badKind = json([good, alsoGood]).replace('"kind":2', '"kind":"SPAN_KIND_SIDEWAYS"')
    const lines = [
      json([good]),
      badId,
      badKind,
      '{"resourceMetrics":[{}]}',
      '{"what":1}',
      '{"resourceSpans":[1',
      json([alsoGood]),
    ]
    const { code, report } = await importInto(await write('bad.jsonl', lines.join('\n')))
    expect(code).toBe(1)
    expect(report).toMatchObject({ spans: 3, traces: 2, leftOut: [{ what: 'metrics', pieces: 1 }] })
    const told = report.refused.map(({ reason, spans, pieces, first }) => [spans, pieces, first.split(': ')[1], reason])
    expect(told).toEqual([
      [1, 0, expect.stringMatching(/^line 2, column 19 /), expect.stringContaining('span_id is') as string],
      [1, 0, expect.stringMatching(/^line 3, column 19 /), expect.stringContaining('SPAN_KIND_SIDEWAYS') as string],
      [0, 1, expect.stringMatching(/^line 5, column 1 /), expect.stringContaining('neither OTLP/JSON') as string],
      [0, 1, expect.stringMatching(/^line 6/), expect.stringContaining('not JSON') as string],
    ])
    expect((await cli('import', join(root, 'bad.jsonl'), '--data', data)).output).toMatch(
      /imported 3 spans of 2 traces from .*\n1 message of metrics left out.*\nrefused 1 span: .* \(first at .*bad\.jsonl: line 2/,
    )
  })

  it.each<[string, () => string | Uint8Array, number, RegExp]>([
    [
      'a cut message',
      () => Buffer.concat([request(numbered(1, 1)), request(numbered(2, 1)).subarray(0, 50)]),
      1,
      /byte \d{3,}.*ends in the middle/,
    ],
    [
      'cut frames',
      () => framed(request(numbered(1, 1)), request(numbered(2, 1))).subarray(0, -1),
      1,
      /byte \d{3,}.*ends in the middle/,
    ],
    [
      'a damaged message',
      () => framed(Buffer.from([0x0a, 2, 0x12, 9]), request(numbered(2, 1))),
      1,
      /byte 4\b.*not OTLP/,
    ],
    [
      'a cut gzip file',
      () => gzipSync(Buffer.concat([request(numbered(1, 1)), request(numbered(2, 1))]), { level: 0 }).subarray(0, -30),
      1,
      /cannot be decompressed/,
    ],
    [
      'Jaeger’s JSON with a span of nonsense',
      () => '{"data":[{"spans":[{"traceID":"x"},null,{"traceID":"1","spanID":"2","startTime":1}]}]}',
      1,
      /line 1, column 20.*traceID/,
    ],
    ['text', () => 'hello', 0, /byte 0.*none of the forms/],
    ['Parquet', () => 'PAR1', 0, /Parquet.*--otlp/],
    ['nothing', () => '', 0, /^$/],
  ])('of %s takes what can be read', async (_, content, spans, told) => {
    const { report } = await importInto(await write('file', content()))
    expect(report.spans).toBe(spans)
    expect(report.refused.map(({ first, reason }) => `${first} ${reason}`).join(' ')).toMatch(told)
  })

  it('sends to a running Spoor, by its answer to whom', async () => {
    const spoor = await start()
    const file = await write('spans', json(numbered(1, 5)))
    const endpoint = spoor.urls.otlpHttp!
    const { code, report } = await cliJson('import', file, '--endpoint', endpoint)
    expect([code, report]).toEqual([0, expect.objectContaining({ spans: 5, traces: 5, to: endpoint })])
    expect((await spoor.json<SearchResponse>('/api/spoor/v1/search?limit=100')).traces).toHaveLength(5)
    const locked = await cli('import', file, '--data', data)
    expect([locked.code, locked.output]).toEqual([1, expect.stringContaining('--endpoint') as string])
    const options = {
      data: undefined,
      endpoint: undefined,
      defaultData: join(root, 'other'),
      logger: createLogger('silent'),
    }
    const running = await openDestination({ ...options, defaultEndpoint: endpoint })
    expect(running.name).toBe(endpoint)
    await running.close()
    const nobody = await openDestination({ ...options, defaultEndpoint: 'http://127.0.0.1:1' })
    expect(nobody.name).toContain('other')
    await nobody.close()
    expect(USUAL_OTLP_HTTP).toBe('http://127.0.0.1:4318')
  })

  it('reads the standard input', async () => {
    const command = {
      files: ['-'],
      data,
      endpoint: undefined,
      defaultData: data,
      stdin: Readable.from([Buffer.from(json(numbered(1, 3)))]),
    }
    const sink = { write: () => true } as never
    expect(await importFiles(command, { json: true, stdout: sink, stderr: sink }, {})).toBe(0)
    const spoor = await start()
    expect((await spoor.json<SearchResponse>('/api/spoor/v1/search')).traces).toHaveLength(3)
  })

  it('says what is wrong with how it is called, before anything is opened', async () => {
    const missing = await cli('import', join(root, 'none'), '--data', data)
    expect([missing.code, missing.output]).toEqual([1, expect.stringContaining('there is no such file') as string])
    expect(await cli('import', root, '--data', data)).toMatchObject({
      code: 1,
      output: expect.stringContaining('is a directory') as string,
    })
    expect((await cli('import')).code).toBe(2)
    expect((await cli('import', 'x', '--data', data, '--endpoint', 'http://127.0.0.1:1')).code).toBe(2)
    await expect(readFile(data)).rejects.toThrow('ENOENT')
  })
})
