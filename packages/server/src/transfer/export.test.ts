import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { decodeTraces, encodeSpan, encodeTraces, type KeyValue, type Span, tracesToJson } from '@spoor/otlp'
import { parquetReadObjects, parquetSchema, parquetMetadata } from 'hyparquet'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { spanIdOf, startTestSpoor, traceIdOf } from '../testkit.ts'
import { SPAN_COLUMNS } from './parquet/span-columns.ts'
import { bareSpan, cli, cliJson, EVERY_KIND, spanWith, START, tracesOf } from './testkit.ts'

vi.setConfig({ testTimeout: 60_000 })

let root: string
let data: string
let out: string
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'spoor-export-'))
  data = join(root, 'data')
  out = join(root, 'out')
})
afterEach(() => rm(root, { recursive: true, force: true }))

/** Stores these requests. */
async function store(...requests: readonly Uint8Array[]): Promise<void> {
  const spoor = await startTestSpoor({ data })
  for (const request of requests) expect((await spoor.post(request)).status).toBe(200)
  await spoor.stop()
}

type Row = Record<string, unknown>

async function rowsOf(path: string): Promise<{ rows: Row[]; columns: string[]; groups: number }> {
  const bytes = await readFile(path)
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)
  const compressors = { ZSTD: (page: Uint8Array) => zstdDecompressSync(page) }
  const metadata = parquetMetadata(file)
  const rows = (await parquetReadObjects({ file, compressors })) as Row[]
  const columns = parquetSchema(metadata).children.map(({ element }) => element.name)
  return { rows, columns, groups: metadata.row_groups.length }
}

const parquet = async (...args: string[]) => {
  const exported = await cli('export', data, '--parquet', out, ...args)
  return { ...exported, ...(await rowsOf(out)) }
}

/** What the text of EVERY_KIND is, as a Python or SQL program parses it. */
const EVERY_TEXT =
  '{"text":"Grüße, 世界 😀 \\"\\\\\\n","empty text":"","int":9007199254740993,"least":-9223372036854775808,"double":0.1,"whole":2.0,"minus zero":-0.0,' +
  '"nan":{"doubleValue":"NaN"},"infinite":{"doubleValue":"-Infinity"},"yes":true,"no":false,"bytes":{"bytesValue":"AP8K"},"array":["a",-7,null],' +
  '"map":{"inner":[],"n":1e+300},"nothing":null}'

describe('spoor export --parquet', () => {
  it('has every field of every span, in documented columns', async () => {
    const other: KeyValue[] = [{ key: 'int', value: { type: 'string', value: 'of another kind' } }]
    const twice: KeyValue[] = [EVERY_KIND[0]!, { key: 'text', value: { type: 'string', value: 'again' } }]
    const least = { startTimeUnixNano: 0n, endTimeUnixNano: 2n ** 64n - 1n }
    const late = { startTimeUnixNano: 2n ** 64n - 1n, endTimeUnixNano: 2n ** 64n - 11n }
    const full = Array.from({ length: 30 }, (_, i) => spanWith({ spanId: spanIdOf(i + 1) }))
    await store(
      encodeTraces(tracesOf(full)),
      encodeTraces(
        tracesOf([
          spanWith({ spanId: spanIdOf(90), attributes: other }),
          spanWith({ spanId: spanIdOf(91), attributes: twice }),
        ]),
      ),
      encodeTraces(
        tracesOf(
          [
            bareSpan({ spanId: spanIdOf(92), ...least }),
            bareSpan({ spanId: spanIdOf(93), kind: 9, status: { code: 7, message: '' }, ...late }),
          ],
          {
            resource: { attributes: [], droppedAttributesCount: 0 },
            scope: { name: '', version: '', attributes: [], droppedAttributesCount: 0 },
          },
        ),
      ),
    )
    const { code, rows, columns } = await parquet()
    expect([code, rows.length]).toEqual([0, 34])
    expect(columns.slice(0, SPAN_COLUMNS.length)).toEqual(SPAN_COLUMNS.map(({ name }) => name))
    expect(columns).toContain('span.int')
    expect(columns).not.toContain('span.bytes')
    const bySpan = new Map(rows.map((row) => [row['span_id'], row]))
    const event = { time: expect.anything() as unknown, dropped_attributes: 1n }
    expect(bySpan.get(spanIdOf(1))).toMatchObject({
      trace_id: '0102030405060708090a0b0c0d0e0f10',
      parent_span_id: '00000000000000f0',
      is_root: false,
      service: 'shop',
      name: 'GET /café/{id}',
      kind: 'server',
      duration_ns: 1_234_567n,
      status: 'error',
      status_message: 'it failed',
      trace_state: 'vendor=1,other=2',
      flags: 0x301n,
      scope_name: 'http',
      scope_version: '1.2.3',
      scope_schema_url: 'https://example.com/scope',
      resource_schema_url: 'https://opentelemetry.io/schemas/1.26.0',
      dropped_attributes: 3n,
      dropped_events: 4n,
      dropped_links: 5n,
      'resource.host.name': 'edge-1',
      'resource.int': 2n ** 53n + 1n,
      'scope.scope.kind': 'auto',
      'span.text': 'Grüße, 世界 😀 "\\\n',
      'span.empty text': '',
      'span.int': 2n ** 53n + 1n,
      'span.least': -(2n ** 63n),
      'span.double': 0.1,
      'span.whole': 2,
      'span.nan': Number.NaN,
      'span.infinite': -Infinity,
      'span.yes': true,
      'span.no': false,
      span_attributes:
        '{"bytes":{"bytesValue":"AP8K"},"array":["a",-7,null],"map":{"inner":[],"n":1e+300},"nothing":null}',
      resource_attributes: null,
      events: [
        { ...event, name: 'exception', attributes: EVERY_TEXT },
        { name: '', attributes: null, dropped_attributes: 0n },
      ],
      links: [
        {
          trace_id: 'f'.repeat(32),
          span_id: 'e'.repeat(16),
          trace_state: 'linked=1',
          flags: 1n,
          attributes: '{"why":"because"}',
          dropped_attributes: 2n,
        },
      ],
    })
    expect(bySpan.get(spanIdOf(1))!['span.minus zero']).toBe(-0)
    expect(bySpan.get(spanIdOf(90))).toMatchObject({ 'span.int': null, span_attributes: '{"int":"of another kind"}' })
    expect(bySpan.get(spanIdOf(91))).toMatchObject({
      'span.text': 'Grüße, 世界 😀 "\\\n',
      span_attributes: '{"text":"again"}',
    })
    expect(bySpan.get(spanIdOf(92))).toMatchObject({
      parent_span_id: null,
      is_root: true,
      service: 'unknown_service',
      name: '',
      kind: 'unspecified',
      status: 'unset',
      status_message: null,
      scope_name: null,
      duration_ns: 2n ** 63n - 1n,
      span_attributes: null,
      events: [],
      links: [],
    })
    expect(bySpan.get(spanIdOf(93))).toMatchObject({ kind: '9', status: '7', duration_ns: -10n })
  })

  it('has the times to the nanosecond', async () => {
    await store(encodeTraces(tracesOf([spanWith({})])))
    await parquet()
    const bytes = await readFile(out)
    const metadata = parquetMetadata(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length))
    const { path_in_schema, statistics } = metadata.row_groups[0]!.columns.find(
      ({ meta_data }) => meta_data!.path_in_schema[0] === 'start',
    )!.meta_data!
    expect(path_in_schema).toEqual(['start'])
    expect(metadata.schema.find(({ name }) => name === 'start')!.logical_type).toEqual({
      type: 'TIMESTAMP',
      isAdjustedToUTC: true,
      unit: 'NANOS',
    })
    expect(statistics!.min_value).toBeInstanceOf(Date)
    expect((statistics!.min_value as Date).getTime()).toBe(Number(START / 1_000_000n))
  })

  it('has what was sent twice once, in many row groups', async () => {
    const spans = (from: number, count: number) =>
      encodeTraces(
        tracesOf(
          Array.from({ length: count }, (_, i) => bareSpan({ traceId: traceIdOf(from + i), spanId: spanIdOf(1) })),
        ),
      )
    await store(spans(1, 30_000), spans(30_001, 30_000), spans(1, 500), spans(60_001, 10_000))
    const { rows, groups, output } = await parquet()
    expect(rows.map((row) => row['trace_id'])).toEqual(Array.from({ length: 70_000 }, (_, i) => traceIdOf(i + 1)))
    expect(groups).toBeGreaterThan(1)
    expect(output).toMatch(/exported 70,000 spans of .*\n500 spans more had been sent twice/)
  })

  it('is a file with columns and no rows where there are no spans', async () => {
    await store()
    const { code, rows, columns } = await parquet()
    expect([code, rows, columns.slice(0, 2)]).toEqual([0, [], ['trace_id', 'span_id']])
  })
})

describe('spoor export', () => {
  const spans = Array.from({ length: 10 }, (_, i) =>
    bareSpan({
      traceId: traceIdOf(i >> 1),
      spanId: spanIdOf(i + 1),
      startTimeUnixNano: START + BigInt(i) * 1_000_000_000n,
      endTimeUnixNano: START + BigInt(i) * 1_000_000_000n,
      status: { code: i === 3 ? 2 : 0, message: '' },
    }),
  ).map((span) => (span.traceId === traceIdOf(0) ? { ...span, traceId: traceIdOf(9) } : span))
  const ids = (from: Uint8Array): string[] => spansIn(from).map(({ spanId }) => spanId)
  const spansIn = (bytes: Uint8Array): Span[] =>
    decodeTraces(bytes).resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  /** Messages after their lengths. */
  const messages = (file: Buffer): Buffer[] => {
    const found: Buffer[] = []
    for (let at = 0; at < file.length; at += 4 + file.readUInt32BE(at))
      found.push(file.subarray(at + 4, at + 4 + file.readUInt32BE(at)))
    return found
  }
  const exported = async (...args: string[]): Promise<string[]> => {
    expect((await cli('export', data, '--otlp', out, '--force', ...args)).code).toBe(0)
    return messages(await readFile(out)).flatMap(ids)
  }

  it('keeps to times and query, and widens to whole traces', async () => {
    await store(encodeTraces(tracesOf(spans)))
    const at = (i: number) => new Date(Number(START / 1_000_000n) + i * 1000 + 1).toISOString()
    expect(await exported()).toEqual(spans.map(({ spanId }) => spanId))
    expect(await exported('--from', at(2), '--to', at(5))).toEqual([4, 5, 6].map(spanIdOf))
    expect(await exported('--query', 'status:error')).toEqual([spanIdOf(4)])
    expect(await exported('--query', 'status:error', '--whole-traces')).toEqual([3, 4].map(spanIdOf))
  })

  it('writes OTLP with the bytes that came, and JSON lines, compressed by the name', async () => {
    const request = encodeTraces(tracesOf([spanWith({})]))
    await store(request, request)
    expect((await cli('export', data, '--otlp', out)).code).toBe(0)
    const file = await readFile(out)
    const twice = Buffer.concat([request, request])
    expect(decodeTraces(Buffer.concat(messages(file)))).toEqual(decodeTraces(twice))
    expect(file.includes(Buffer.from(encodeSpan(spanWith({}))))).toBe(true)
    const lines = messages(file)
      .map((message) => `${tracesToJson(message)}\n`)
      .join('')
    for (const [suffix, decompress] of [
      ['', (bytes: Buffer) => bytes],
      ['.gz', gunzipSync],
      ['.zst', zstdDecompressSync],
    ] as const) {
      const { code, report } = await cliJson('export', data, '--otlp-json', `${out}.jsonl${suffix}`)
      expect([code, report]).toEqual([0, expect.objectContaining({ spans: 2, complete: true, vanished: false })])
      expect(decompress(await readFile(`${out}.jsonl${suffix}`)).toString()).toBe(lines)
    }
    expect((await cli('export', data, '--otlp-json', '-')).output.startsWith(lines)).toBe(true)
  })

  it('is imported again without a difference', async () => {
    await store(encodeTraces(tracesOf([spanWith({}), bareSpan({ spanId: spanIdOf(2) })])))
    await cli('export', data, '--otlp', out)
    const again = join(root, 'again')
    await cli('import', out, '--data', again)
    await cli('export', again, '--otlp', `${out}2`)
    expect(await readFile(`${out}2`)).toEqual(await readFile(out))
  })

  it('refuses what it cannot do, and leaves nothing half done', async () => {
    await store(encodeTraces(tracesOf(spans)))
    await writeFile(out, 'mine')
    expect(await cli('export', data, '--otlp', out)).toMatchObject({
      code: 1,
      output: expect.stringContaining('--force') as string,
    })
    expect((await readFile(out)).toString()).toBe('mine')
    const nowhere = await cli('export', data, '--parquet', join(root, 'none', 'x'))
    expect([nowhere.code, nowhere.output]).toEqual([1, expect.stringContaining('cannot be written') as string])
    const no = await cli('export', join(root, 'none'), '--otlp', join(root, 'x'))
    expect([no.code, no.output]).toEqual([1, expect.stringContaining('is not there') as string])
    expect((await cli('export', data)).code).toBe(2)
    expect((await cli('export', data, '--otlp', 'a', '--parquet', 'b')).code).toBe(2)
    const query = await cli('export', data, '--otlp', join(root, 'x'), '--query', '(((')
    expect([query.code, query.output]).toEqual([2, expect.stringContaining('--query') as string])
    expect(existsSync(join(root, 'x'))).toBe(false)
    expect((await readdir(root)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  it('says what cannot be read, and writes the rest', async () => {
    await store(encodeTraces(tracesOf(spans.slice(0, 5))), encodeTraces(tracesOf(spans.slice(5))))
    const log = join(
      data,
      (await readdir(data)).find((name) => name.endsWith('.log'))!,
    )
    const bytes = await readFile(log)
    bytes[bytes.length - 20]! ^= 0xff
    await writeFile(log, bytes)
    const { code, output } = await cli('export', data, '--otlp', out)
    expect([code, output]).toEqual([
      1,
      expect.stringMatching(/exported \d+ spans[^]*not complete: .*spoor verify/) as string,
    ])
    expect(messages(await readFile(out)).flatMap(ids)).toEqual(spans.slice(0, 5).map(({ spanId }) => spanId))
  })
})
