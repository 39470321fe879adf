import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import zlib from 'node:zlib'
import { countSpans, createBatch, encodeTraces, joinBytes, tracesFromJson, type TelemetryBatch } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { EMPTY_CONTEXT } from '../../component/index.ts'
import { logsRequest, metricsRequest, tracesRequest } from '../../testkit/index.ts'
import { batchOf, startExporter } from '../fixture.ts'
import { fileExporter } from './index.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spoor-file-'))
  onTestFinished(() => {
    vi.useRealTimers()
    rmSync(path, { recursive: true, force: true })
  })
  return path
}

const start = (input: object) => startExporter(fileExporter, input)

/** Messages that are each preceded by their length. */
function framed(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = []
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32BE(at)
    messages.push(bytes.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  return messages
}

const a = tracesRequest({ spans: 3, rich: true })
const b = tracesRequest({ spans: 2, seed: 2 })
const two = createBatch('traces', [
  { bytes: a, items: 3 },
  { bytes: b, items: 2 },
])

describe('format', () => {
  test('json: an OTLP/JSON object a line, for each request that came, of all signals', async () => {
    const path = join(directory(), 'all.json')
    const { exporter, context } = await start({ path })
    await exporter.consume(two, EMPTY_CONTEXT)
    await exporter.consume(batchOf(metricsRequest(2), 2, 'metrics'), EMPTY_CONTEXT)
    await exporter.consume(batchOf(logsRequest(1), 1, 'logs'), EMPTY_CONTEXT)
    const text = readFileSync(path, 'utf8')
    expect(text.endsWith('}\n')).toBe(true)
    const lines = text.trimEnd().split('\n')
    expect(lines.slice(0, 2).map((line) => tracesFromJson(line))).toEqual([a, b])
    expect(lines.slice(2).map((line) => Object.keys(JSON.parse(line) as object))).toEqual([
      ['resourceMetrics'],
      ['resourceLogs'],
    ])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(5)
    expect(context.value('otelcol_exporter_sent_log_records')).toBe(1)
  })

  test('proto: the bytes as they came, each request after its length', async () => {
    const path = join(directory(), 'all.bin')
    const { exporter } = await start({ path, format: 'proto' })
    await exporter.consume(two, EMPTY_CONTEXT)
    expect(framed(readFileSync(path)).map((each) => Uint8Array.from(each))).toEqual([a, b])
  })

  test.each(['json', 'proto'])('zstd: each message by itself, after its length (%s)', async (format) => {
    const path = join(directory(), 'all.zst')
    const { exporter } = await start({ path, format, compression: 'zstd', compression_params: { level: 1 } })
    await exporter.consume(two, EMPTY_CONTEXT)
    const messages = framed(readFileSync(path)).map((each) => zlib.zstdDecompressSync(each))
    const read = (message: Buffer) => (format === 'json' ? tracesFromJson(message) : Uint8Array.from(message))
    expect(messages.map(read)).toEqual([a, b])
  })

  test('a request of many megabytes is several lines', async () => {
    const path = join(directory(), 'large.json')
    const { exporter } = await start({ path })
    const large = tracesRequest({ spans: 20_000 })
    await exporter.consume(batchOf(large, 20_000), EMPTY_CONTEXT)
    const lines = readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => tracesFromJson(line))
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.reduce((sum, line) => sum + countSpans(line), 0)).toBe(20_000)
  })
})

describe('what is there', () => {
  test('is emptied at the start, or stays with append', async () => {
    const path = join(directory(), 'spans.json')
    for (const [append, expected] of [
      [false, 1],
      [true, 2],
      [false, 1],
    ] as const) {
      const { exporter } = await start({ path, append })
      await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
      await exporter.shutdown(AbortSignal.timeout(10_000))
      expect(readFileSync(path, 'utf8').trimEnd().split('\n').length).toBe(expected)
    }
  })

  test('is written by many at a time, a line after the other, also while files are put aside', async () => {
    const place = directory()
    const { exporter } = await start({ path: join(place, 'spans.json'), rotation: { max_megabytes: 1 } })
    const large = createBatch(
      'traces',
      [1, 2].map((seed) => ({ bytes: tracesRequest({ spans: 300, seed }), items: 300 })),
    )
    await Promise.all(Array.from({ length: 10 }, () => exporter.consume(large, EMPTY_CONTEXT)))
    const files = readdirSync(place)
    expect(files.length).toBeGreaterThan(2)
    const lines = files.flatMap((name) => readFileSync(join(place, name), 'utf8').trimEnd().split('\n'))
    expect(joinBytes(lines.map((line) => tracesFromJson(line))).length).toBe(10 * large.byteLength)
  })

  test('has nothing of a batch whose sender left before its turn came', async () => {
    const path = join(directory(), 'spans.json')
    const { exporter } = await start({ path })
    const first = exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    const left = exporter.consume(batchOf(b, 2), { ...EMPTY_CONTEXT, signal: AbortSignal.abort() })
    await expect(left).rejects.toMatchObject({ code: 'unavailable', retryable: true })
    await Promise.all([first, exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)])
    const lines = readFileSync(path, 'utf8').trimEnd().split('\n')
    expect(lines.map((line) => tracesFromJson(line))).toEqual([a, a])
  })

  test('has nothing of a batch that cannot be written to its end', async () => {
    const path = join(directory(), 'spans.json')
    const { exporter } = await start({ path })
    await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    const before = readFileSync(path, 'utf8')
    const broken = createBatch('traces', [
      { bytes: b, items: 2 },
      { bytes: Uint8Array.of(0x0a, 0xff), items: 1 },
    ])
    await expect(exporter.consume(broken, EMPTY_CONTEXT)).rejects.toMatchObject({ code: 'invalid_data' })
    expect(readFileSync(path, 'utf8')).toBe(before)
    await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    expect(readFileSync(path, 'utf8')).toBe(before.repeat(2))
  })
})

describe('rotation', () => {
  const MIB = 1024 * 1024
  const fill = (path: string, bytes: number): void => writeFileSync(path, Buffer.alloc(bytes, 'x'))
  const isBackup = /^spans-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{3}\.json$/

  test('a file that would grow beyond max_megabytes is put aside, with the time in its name', async () => {
    const place = directory()
    const path = join(place, 'spans.json')
    fill(path, MIB - 10)
    const { exporter } = await start({ path, rotation: { max_megabytes: 1 } })
    await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    const aside = readdirSync(place).filter((name) => name !== 'spans.json')
    expect(aside).toEqual([expect.stringMatching(isBackup)])
    expect(readFileSync(join(place, aside[0]!)).length).toBe(MIB - 10)
    expect(tracesFromJson(readFileSync(path))).toEqual(a)
  })

  test('two in the same millisecond are both kept', async () => {
    const place = directory()
    const path = join(place, 'spans.json')
    vi.useFakeTimers({ toFake: ['Date'] })
    for (let turn = 0; turn < 2; turn++) {
      fill(path, MIB)
      const { exporter } = await start({ path, rotation: { max_megabytes: 1 } })
      await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    }
    expect(readdirSync(place).length).toBe(3)
  })

  test('a message fits exactly, or begins a new file', async () => {
    const place = directory()
    const path = join(place, 'spans.json')
    const { exporter } = await start({ path })
    await exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
    const { length } = readFileSync(path)
    for (const [left, files] of [
      [length, 1],
      [length - 1, 2],
    ] as const) {
      fill(path, MIB - left)
      const rotated = await start({ path, rotation: { max_megabytes: 1 } })
      await rotated.exporter.consume(batchOf(a, 3), EMPTY_CONTEXT)
      await rotated.exporter.shutdown(AbortSignal.timeout(10_000))
      expect(readdirSync(place).length).toBe(files)
    }
  })

  test('keeps max_backups, the newest, and nothing older than max_days; what is not its own stays', async () => {
    const place = directory()
    const day = (days: number): string =>
      new Date(Date.now() - days * 86_400_000).toISOString().slice(0, -1).replaceAll(':', '-')
    const names = [1, 2, 3, 9].map((days) => `spans-${day(days)}.json`)
    for (const name of [...names, 'spans-notes.json', 'other.json']) fill(join(place, name), 1)
    await start({ path: join(place, 'spans.json'), rotation: { max_backups: 3, max_days: 0 } })
    expect(readdirSync(place).toSorted()).toEqual(
      [...names.slice(0, 3), 'other.json', 'spans-notes.json', 'spans.json'].toSorted(),
    )
    await start({ path: join(place, 'spans.json'), rotation: { max_days: 2, localtime: true } })
    expect(readdirSync(place).filter((name) => isBackup.test(name))).toEqual(names.slice(0, 1))
  })
})

describe('group_by', () => {
  const from = (segment: string | undefined, seed: number): { bytes: Uint8Array; id: string } => {
    const id = `11121314151617${String(seed).padStart(2, '0')}`
    const attributes =
      segment === undefined ? [] : [{ key: 'tenant', value: { type: 'string' as const, value: segment } }]
    const span = {
      traceId: '0102030405060708090a0b0c0d0e0f10',
      spanId: id,
      parentSpanId: '',
      traceState: '',
      flags: 0,
      name: 'x',
      kind: 1,
      startTimeUnixNano: 1n,
      endTimeUnixNano: 2n,
      attributes: [],
      droppedAttributesCount: 0,
      events: [],
      droppedEventsCount: 0,
      links: [],
      droppedLinksCount: 0,
      status: { code: 0, message: '' },
    }
    const scope = { name: '', version: '', attributes: [], droppedAttributesCount: 0 }
    const group = {
      resource: { attributes, droppedAttributesCount: 0 },
      schemaUrl: '',
      scopeSpans: [{ scope, schemaUrl: '', spans: [span] }],
    }
    return { bytes: encodeTraces({ resourceSpans: [group] }), id }
  }
  const together = (...parts: readonly { bytes: Uint8Array }[]): TelemetryBatch =>
    batchOf(joinBytes(parts.map(({ bytes }) => bytes)), parts.length)
  const group_by = { enabled: true, resource_attribute: 'tenant' }

  test('a file for each value; what has none is dropped and counted', async () => {
    const place = directory()
    const { exporter, context } = await start({ path: join(place, 'of-*', 'spans.json'), group_by })
    const [one, other, again, none] = [from('a/b', 1), from('c', 2), from('a/b', 3), from(undefined, 4)]
    await exporter.consume(together(one, other, again, none), EMPTY_CONTEXT)
    const idsIn = (name: string): string[] =>
      readFileSync(join(place, name), 'utf8').match(/(?<="spanId":")[0-9a-f]+/g) ?? []
    expect(idsIn('of-a/b/spans.json')).toEqual([one.id, again.id])
    expect(idsIn('of-c/spans.json')).toEqual([other.id])
    expect(context.value('otelcol_exporter_sent_spans')).toBe(3)
    expect(context.value('otelcol_exporter_send_failed_spans', { reason: 'no_path' })).toBe(1)
    expect(context.logger.lines[0]?.fields['error']).toBe('the resource has no text "tenant" that makes a path')
  })

  test('no value leads out of the directory', async () => {
    const place = directory()
    const { exporter } = await start({ path: join(place, 'in', '*.json'), group_by })
    await exporter.consume(
      together(from('../../out', 1), from('/etc/x', 2), from('..', 3), from('./y/../z', 4)),
      EMPTY_CONTEXT,
    )
    expect(readdirSync(place)).toEqual(['in'])
    expect((readdirSync(join(place, 'in'), { recursive: true }) as string[]).toSorted()).toEqual(
      ['etc', 'etc/x.json', 'out.json', 'y', 'y/z.json'].toSorted(),
    )
  })

  test('with few open files, each still has all that is its own', async () => {
    const place = directory()
    const { exporter } = await start({ path: join(place, '*.json'), group_by: { ...group_by, max_open_files: 2 } })
    for (let round = 0; round < 3; round++)
      for (const tenant of ['a', 'b', 'c', 'd']) await exporter.consume(together(from(tenant, round)), EMPTY_CONTEXT)
    for (const tenant of ['a', 'b', 'c', 'd'])
      expect(
        readFileSync(join(place, `${tenant}.json`), 'utf8')
          .trimEnd()
          .split('\n').length,
      ).toBe(3)
  })
})

describe('what cannot be', () => {
  test('a directory that is not there is told with the way out, or made', async () => {
    const path = join(directory(), 'not/there/spans.json')
    await expect(start({ path })).rejects.toThrow(
      /cannot write .*not\/there\/spans.json: ENOENT.*; make the directory, or set create_directory: true/,
    )
    await start({ path, create_directory: true })
    expect(readFileSync(path, 'utf8')).toBe('')
  })

  test('a full disk refuses for now, and leaves no half of a message', async () => {
    const { exporter, context } = await start({ path: '/dev/full', append: true })
    await expect(exporter.consume(two, EMPTY_CONTEXT)).rejects.toMatchObject({
      code: 'unavailable',
      retryable: true,
      message: expect.stringContaining('cannot write /dev/full: ENOSPC'),
    })
    expect(context.value('otelcol_exporter_send_failed_spans')).toBe(5)
  })

  test.each([
    [{}, 'path must be non-empty'],
    [{ path: '' }, 'path must be non-empty'],
    [{ path: 'x', format: 'text' }, 'Invalid option'],
    [{ path: 'x', compression: 'gzip' }, 'compression is not supported'],
    [{ path: 'x', append: true, compression: 'zstd' }, 'append and compression enabled at the same time'],
    [{ path: 'x', append: true, rotation: {} }, 'append and rotation enabled at the same time'],
    [{ path: 'x', flush_interval: 0 }, 'flush_interval must be larger than zero'],
    [{ path: 'x', group_by: { enabled: true } }, 'path must contain exactly one *'],
    [{ path: '*/x', group_by: { enabled: true } }, 'path must not start with *'],
    [{ path: 'x/*', group_by: { enabled: true, resource_attribute: '' } }, 'resource_attribute must not be empty'],
    [{ path: 'x/*', group_by: { enabled: true, max_open_files: 0 } }, 'max_open_files must be larger than zero'],
  ])('%j is refused', (input, message) => {
    const parsed = fileExporter.config.safeParse(input)
    expect(parsed.success ? '' : parsed.error.issues.map((issue) => issue.message).join('\n')).toContain(message)
  })
})
