import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { requestToJson, type Signal } from '@spoor/otlp'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createCollector } from '../../collector.ts'
import { CollectorError } from '../../component/index.ts'
import { builtinFactories } from '../../factories.ts'
import {
  createSink,
  createTestLogger,
  logsRequest,
  metricsRequest,
  spanIdsIn,
  tracesRequest,
  type Sink,
} from '../../testkit/index.ts'
import { otlpJsonFileConfig } from './config.ts'
import { Offsets } from './offsets.ts'
import { TrackedFile } from './tracked-file.ts'

function directory(): string {
  const path = mkdtempSync(join(tmpdir(), 'spoor-json-file-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

interface Options {
  readonly sink?: Sink
  readonly signals?: readonly Signal[]
  readonly storage?: string
  readonly type?: string
}

/** A collector with the receiver, told this of it, before a sink. */
async function start(
  keys: string,
  { sink = createSink(), signals = ['traces'], storage, type = 'otlp_json_file' }: Options = {},
) {
  const logger = createTestLogger()
  const pipelines = signals.map((signal) => `${signal}: {receivers: [${type}], exporters: [sink]}`)
  const config = `
receivers: {${type}: {poll_interval: 5ms, ${keys}${storage === undefined ? '' : ', storage: file_storage'}}}
exporters: {sink: }
${storage === undefined ? '' : `extensions: {file_storage: {directory: ${JSON.stringify(storage)}}}`}
service: {${storage === undefined ? '' : 'extensions: [file_storage], '}pipelines: {${pipelines.join(', ')}}}`
  const collector = createCollector({ config, factories: [...builtinFactories, sink.factory()], logger })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  const value = (name: string): number =>
    collector.counters
      .snapshot()
      .filter((each) => each.name === name)
      .reduce((sum, each) => sum + each.value, 0)
  return { collector, logger, sink, value }
}

const lineOf = (seed: number, spans = 2): string =>
  `${JSON.stringify(requestToJson('traces', tracesRequest({ spans, seed })))}\n`
const linesOf = (seeds: readonly number[]): string => seeds.map((seed) => lineOf(seed)).join('')
const idsOf = (seeds: readonly number[]): string[] =>
  seeds.flatMap((seed) => spanIdsIn(tracesRequest({ spans: 2, seed })))
const include = (path: string): string => `include: [${JSON.stringify(path)}]`
const BEGINNING = ', start_at: beginning'

test('what the file exporter has written comes back, the same bytes, of all three signals', async () => {
  const path = join(directory(), 'all.json')
  const from = createSink()
  const requests = [
    ['traces', tracesRequest({ spans: 20, services: 3, rich: true }), 20],
    ['metrics', metricsRequest(7), 7],
    ['logs', logsRequest(5), 5],
    ['traces', tracesRequest({ spans: 3, seed: 9 }), 3],
  ] as const
  writeFileSync(path, requests.map(([signal, bytes]) => `${JSON.stringify(requestToJson(signal, bytes))}\n`).join(''))
  const copy = join(directory(), 'copy.json')
  // file → otlp_json_file → file → otlp_json_file
  const config = `
receivers: {otlpjsonfile: {${include(path)}${BEGINNING}, poll_interval: 5ms}}
exporters: {file: {path: ${JSON.stringify(copy)}}}
service: {pipelines: {traces: {receivers: [otlpjsonfile], exporters: [file]}, metrics: {receivers: [otlpjsonfile], exporters: [file]}, logs: {receivers: [otlpjsonfile], exporters: [file]}}}`
  const collector = createCollector({ config, factories: builtinFactories, logger: createTestLogger() })
  onTestFinished(() => collector.shutdown({ deadlineMs: 1000 }))
  await collector.start()
  await start(`${include(copy)}${BEGINNING}`, { sink: from, signals: ['traces', 'metrics', 'logs'] })
  await from.waitFor(35)
  expect(from.batches.map(({ signal, chunks, items }) => [signal, chunks[0]!.bytes, items])).toEqual(requests)
})

test('lines that are added, files that come, and a file that is rotated away are read, each line once', async () => {
  const place = directory()
  const path = join(place, 'spans.json')
  writeFileSync(path, linesOf([1, 2]))
  const { sink } = await start(`${include(join(place, '*.json'))}${BEGINNING}`)
  await sink.waitFor(4)
  appendFileSync(path, linesOf([3]))
  writeFileSync(join(place, 'other.json'), linesOf([4]))
  await sink.waitFor(8)
  // Out of the pattern, with a line that was not read yet; a new file has its name.
  appendFileSync(path, linesOf([5]))
  renameSync(path, join(place, 'spans.1'))
  writeFileSync(path, linesOf([6]))
  await sink.waitFor(12)
  // Emptied and written anew, as a file exporter does at its start.
  writeFileSync(path, linesOf([7]))
  await sink.waitFor(14)
  expect(spanIdsIn(sink.bytes()).toSorted()).toEqual(idsOf([1, 2, 3, 4, 5, 6, 7]).toSorted())
})

test('half of a line waits for the other; a last line without an end is taken after a while', async () => {
  const path = join(directory(), 'spans.json')
  const [one, two] = [lineOf(1), lineOf(2)]
  writeFileSync(path, one.slice(0, 100))
  const { sink, value } = await start(`${include(path)}${BEGINNING}, force_flush_period: 1ms`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  appendFileSync(path, one.slice(100))
  await sink.waitFor(2)
  appendFileSync(path, two.trimEnd())
  await sink.waitFor(4)
  appendFileSync(path, `\n${lineOf(3)}`)
  await sink.waitFor(6)
  expect(spanIdsIn(sink.bytes())).toEqual(idsOf([1, 2, 3]))
  expect(value('spoor_receiver_bad_lines')).toBe(0)
})

test('bad lines are skipped, counted, and told with file and line', async () => {
  const path = join(directory(), 'spans.json')
  const bad = ['not JSON', '{"spans":[]}', '{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"12"}]}]}]}', '[1]']
  writeFileSync(path, `${lineOf(1)}${bad[0]}\n\n${lineOf(2)}${bad.slice(1).join('\n')}\n${lineOf(3, 400)}${lineOf(4)}`)
  const { sink, value, logger } = await start(`${include(path)}${BEGINNING}, max_log_size: 100KiB`)
  await sink.waitFor(6)
  expect(spanIdsIn(sink.bytes())).toEqual(idsOf([1, 2, 4]))
  await vi.waitFor(() => expect(logger.lines.some(({ fields }) => fields['bad_lines'] === 5)).toBe(true))
  const line = logger.lines.find(({ fields }) => 'bad_lines' in fields)!
  expect(line).toMatchObject({ level: 'warn', fields: { file: path, lines: [2, 5, 6, 7, 8] } })
  expect(line.message).toContain(`the first, ${path}:2: no OTLP/JSON`)
  expect(value('spoor_receiver_bad_lines')).toBe(5)
  appendFileSync(path, `bad\n${lineOf(5)}`)
  await sink.waitFor(8)
  await vi.waitFor(() => expect(logger.lines.at(-1)?.fields['lines']).toEqual([10]))
})

test('a signal without a pipeline is skipped, and told', async () => {
  const path = join(directory(), 'all.json')
  writeFileSync(path, `${JSON.stringify(requestToJson('logs', logsRequest(3)))}\n${lineOf(1)}`)
  const { sink, logger } = await start(`${include(path)}${BEGINNING}`)
  await sink.waitFor(2)
  expect(sink.items).toBe(2)
  expect(logger.lines.map(({ message }) => message)).toContain(
    'Skipping logs, as no pipeline takes them from this receiver',
  )
})

test('start_at: end reads what comes from then on, with the right line numbers', async () => {
  const place = directory()
  writeFileSync(join(place, 'a.json'), linesOf([1, 2, 3]))
  const { sink, logger } = await start(include(join(place, '*.json')))
  await vi.waitFor(() => expect(logger.lines.map(({ message }) => message)).toContain('Started watching file'))
  appendFileSync(join(place, 'a.json'), `bad\n${lineOf(4)}`)
  // A file that comes later is new from its beginning.
  writeFileSync(join(place, 'b.json'), linesOf([5]))
  await sink.waitFor(4)
  expect(spanIdsIn(sink.bytes()).toSorted()).toEqual(idsOf([4, 5]).toSorted())
  await vi.waitFor(() => expect(logger.lines.find(({ fields }) => 'lines' in fields)?.fields['lines']).toEqual([4]))
})

test('what is excluded is not read; patterns go into directories', async () => {
  const place = directory()
  mkdirSync(join(place, 'x/y'), { recursive: true })
  const [one, other] = [join(place, 'x/y/in.json'), join(place, 'x/too.json')]
  writeFileSync(one, linesOf([1]))
  writeFileSync(other, linesOf([2]))
  writeFileSync(join(place, 'x/y/out.json'), linesOf([3]))
  const { sink } = await start(
    `include: [${JSON.stringify(join(place, '**/*.json'))}], exclude: [${JSON.stringify(join(place, '**/out.*'))}]${BEGINNING}`,
  )
  await sink.waitFor(4)
  // Both are read again only after every file was.
  appendFileSync(one, linesOf([4]))
  appendFileSync(other, linesOf([5]))
  await sink.waitFor(8)
  expect(spanIdsIn(sink.bytes()).toSorted()).toEqual(idsOf([1, 2, 4, 5]).toSorted())
})

test('a file that was cut is read from its beginning, and that is told', async () => {
  const path = join(directory(), 'spans.json')
  writeFileSync(path, linesOf([1, 2, 3]))
  const { sink, logger } = await start(`${include(path)}${BEGINNING}`)
  await sink.waitFor(6)
  truncateSync(path, lineOf(1).length)
  await sink.waitFor(8)
  expect(spanIdsIn(sink.bytes())).toEqual(idsOf([1, 2, 3, 1]))
  expect(logger.lines.map(({ message }) => message)).toContain(
    'A file was written anew. It is read from its beginning.',
  )
})

test('replay_file: again and again', async () => {
  const path = join(directory(), 'spans.json')
  writeFileSync(path, linesOf([1]))
  const { sink } = await start(`${include(path)}, replay_file: true`)
  await sink.waitFor(8)
  expect(new Set(spanIdsIn(sink.bytes())).size).toBe(2)
})

test('where the pipelines refuse for now, the file waits; what they refuse for good is counted and skipped', async () => {
  const path = join(directory(), 'spans.json')
  writeFileSync(path, linesOf([1, 2, 3]))
  const sink = createSink()
  let calls = 0
  sink.intercept = () => {
    calls++
    if (calls <= 2) throw new CollectorError('overloaded', 'full', { retryAfterMs: 1 })
    if (calls === 4) throw new CollectorError('invalid_data', 'never')
  }
  const { value, logger } = await start(`${include(path)}${BEGINNING}`, { sink })
  await sink.waitFor(4)
  expect(spanIdsIn(sink.bytes())).toEqual(idsOf([1, 3]))
  expect([value('otelcol_receiver_accepted_spans'), value('otelcol_receiver_refused_spans')]).toEqual([4, 2])
  await vi.waitFor(() => expect(logger.lines.find(({ fields }) => 'lines' in fields)?.fields['lines']).toEqual([2]))
})

test('with storage it goes on after a restart where it was, also in a file that was renamed meanwhile', async () => {
  const place = directory()
  const storage = join(place, 'kept')
  const path = join(place, 'spans.json')
  writeFileSync(path, linesOf([1, 2]))
  const keys = `${include(join(place, '*.json'))}${BEGINNING}`
  const first = await start(keys, { storage })
  await first.sink.waitFor(4)
  await first.collector.shutdown()
  appendFileSync(path, linesOf([3]))
  renameSync(path, join(place, 'old.json'))
  writeFileSync(path, linesOf([4]))
  const second = await start(keys, { storage })
  await second.sink.waitFor(4)
  await second.collector.shutdown()
  expect(spanIdsIn(second.sink.bytes()).toSorted()).toEqual(idsOf([3, 4]).toSorted())
  const third = await start(keys, { storage })
  appendFileSync(path, linesOf([5]))
  await third.sink.waitFor(2)
  expect(spanIdsIn(third.sink.bytes())).toEqual(idsOf([5]))
})

test('with storage and start_at: end, lines that come while nobody reads are read after the next start', async () => {
  const place = directory()
  const storage = join(place, 'kept')
  const path = join(place, 'spans.json')
  writeFileSync(path, linesOf([1, 2]))
  const first = await start(include(path), { storage })
  const isWatched = (): boolean => first.logger.lines.some(({ message }) => message === 'Started watching file')
  await vi.waitUntil(isWatched, { timeout: 10_000 })
  await first.collector.shutdown()
  appendFileSync(path, linesOf([3]))
  const { sink } = await start(include(path), { storage })
  await sink.waitFor(2)
  expect(spanIdsIn(sink.bytes())).toEqual(idsOf([3]))
})

test('how far a file was read is written only when that has changed', async () => {
  const place = directory()
  const storage = join(place, 'kept')
  const [moving, halted] = [join(place, 'moving.json'), join(place, 'halted.json')]
  writeFileSync(moving, linesOf([1]))
  const { collector, sink } = await start(`${include(join(place, '*.json'))}${BEGINNING}`, { storage })
  await sink.waitFor(2)
  writeFileSync(halted, `${lineOf(2)}${lineOf(3).slice(0, 50)}`)
  await sink.waitFor(4)
  appendFileSync(moving, lineOf(4))
  await sink.waitFor(6)
  // By the time that this is read, the halted one has been looked at again.
  writeFileSync(join(place, 'last.json'), lineOf(5))
  await sink.waitFor(8)
  await collector.shutdown()
  const database = new DatabaseSync(
    join(
      storage,
      readdirSync(storage).find((name) => name.endsWith('.sqlite'))!,
    ),
  )
  onTestFinished(() => database.close())
  const paths = database.prepare('SELECT path FROM offsets ORDER BY at').all()
  expect(paths.map((row) => row['path'])).toEqual([halted, moving, join(place, 'last.json')])
})

test('what could not be written of the offsets does not keep what comes later from being written', async () => {
  const place = directory()
  const path = join(place, 'spans.json')
  writeFileSync(path, linesOf([1]))
  const file = await TrackedFile.open(path)
  const offsets = new Offsets(join(place, 'offsets.sqlite'), false)
  onTestFinished(async () => {
    offsets.close()
    await file.close()
  })
  file.position.offset = 0.5
  expect(() => offsets.save(file)).toThrow()
  file.position.offset = 7
  offsets.save(file)
  expect(offsets.find(file)).toMatchObject({ offset: 7 })
})

describe('keys', () => {
  test.each([
    [{}, 'expected array'],
    [{ include: [] }, 'required argument `include` is empty'],
    [{ include: ['x'], start_at: 'middle' }, 'invalid start_at location "middle"'],
    [{ include: ['x'], max_log_size: 'big' }, '"big": not a size; write it like 10MiB'],
    [{ include: ['x'], delete_after_read: true }, 'delete_after_read is not supported'],
  ])('%j is refused', (input, message) => {
    const parsed = otlpJsonFileConfig.safeParse(input)
    expect(parsed.error?.issues.map((issue) => issue.message).join('\n')).toContain(message)
  })

  test('sizes as otelcol has them', () => {
    const sizes = ['1MiB', '1.5kb', 100].map(
      (max_log_size) => otlpJsonFileConfig.parse({ include: ['x'], max_log_size }).max_log_size,
    )
    expect(sizes).toEqual([1024 * 1024, 1500, 100])
  })
})
