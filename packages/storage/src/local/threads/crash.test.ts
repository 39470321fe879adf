import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import {
  cpSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
  closeSync,
  writeFileSync,
} from 'node:fs'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { createInterface } from 'node:readline'
import * as fc from 'fast-check'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { TraceStore } from '../../contract.ts'
import { find, spansOf } from '../../conformance/harness.ts'
import { batchOf, sent, traceId } from '../../conformance/spans.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { INDEX_HEADER, readBlock } from '../files/index-file.ts'
import { openInSameThread } from './same-thread.test.helper.ts'
import { FILE_HEADER, readRecord } from '../files/log.ts'

// Each open starts two threads that load the sources anew: with a cache that takes half the time.
process.env['NODE_COMPILE_CACHE'] ??= join(tmpdir(), 'spoor-compile-cache')

let root: string
let directory: string
const children: ChildProcess[] = []

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-crash-'))
  directory = join(root, 'data')
})

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  rmSync(root, { recursive: true, force: true })
})

interface Ingester {
  readonly child: ChildProcess
  readonly acknowledged: number[]
  /** Resolves when a line comes that `wanted` is true of. */
  until(wanted: (line: string) => boolean): Promise<string>
}

/** Starts a process that ingests into the directory. `limit`: largest file that it may write, in KiB. `count`: how many traces; default: all the time. */
function startIngester(first: number, { limit, count }: { limit?: number; count?: number } = {}): Ingester {
  const script = new URL('./crash.test.child.ts', import.meta.url).pathname
  const node = [
    process.execPath,
    '--conditions=@spoor/source',
    script,
    directory,
    String(first),
    ...(count ? [String(count)] : []),
  ]
  const [command, ...rest] =
    limit === undefined ? node : ['sh', '-c', `trap '' XFSZ; ulimit -S -f ${2 * limit}; exec "$@"`, 'sh', ...node]
  const child = spawn(command!, rest, { stdio: ['ignore', 'pipe', 'inherit'] })
  children.push(child)
  const acknowledged: number[] = []
  const waiting = new Set<(line: string) => void>()
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (/^\d+$/.test(line)) acknowledged.push(Number(line))
    for (const wake of waiting) wake(line)
  })
  const until = (wanted: (line: string) => boolean): Promise<string> =>
    new Promise((resolve, reject) => {
      const look = (line: string): void => {
        if (!wanted(line)) return
        waiting.delete(look)
        resolve(line)
      }
      waiting.add(look)
      child.once('exit', (code) => reject(new Error(`the ingesting process ended with ${code}`)))
    })
  return { child, acknowledged, until }
}

async function kill({ child }: Ingester): Promise<void> {
  const closed = once(child, 'close')
  child.kill('SIGKILL')
  await closed
}

it('loses nothing that was acknowledged when it is killed, again and again', async () => {
  const acknowledged: number[] = []
  let first = 0
  for (const kills of [1, 25, 300]) {
    const ingester = startIngester(first)
    await ingester.until(() => ingester.acknowledged.length >= kills)
    await kill(ingester)
    acknowledged.push(...ingester.acknowledged)
    first = Math.max(...acknowledged) + 100
  }
  const store = await openInSameThread({ directory })
  const found = new Set(await find(store, { limit: 10_000 }))
  expect(acknowledged.map(traceId).filter((id) => !found.has(id))).toEqual([])
  for (const trace of acknowledged.slice(-5)) expect(await spansOf(store, traceId(trace))).toHaveLength(8)
  await store.close()
})

it('loses nothing that was acknowledged when it is killed while it seals', { timeout: 120_000 }, async () => {
  const acknowledged: number[] = []
  const sealedFiles = (): string[] => readdirSync(directory).filter((name) => /\.seal(\.new)?$/.test(name))
  const count = 400
  for (const [round, delayMs] of [0, 5, 20, 60, 150].entries()) {
    const ingester = startIngester(round * 1000, { count })
    await ingester.until(() => ingester.acknowledged.length === count)
    const before = new Set(sealedFiles())
    // One more in each round, whatever time that takes here: all but the last of them are whole.
    while (sealedFiles().filter((name) => !before.has(name)).length <= round) await setTimeout(1)
    await setTimeout(delayMs)
    await kill(ingester)
    acknowledged.push(...ingester.acknowledged)
  }
  expect(sealedFiles().length).toBeGreaterThan(5)
  const store = await openInSameThread({ directory })
  const found = new Set(await find(store, { limit: 10_000 }))
  expect(acknowledged.map(traceId).filter((id) => !found.has(id))).toEqual([])
  for (let i = 0; i < acknowledged.length; i += 50)
    expect(await spansOf(store, traceId(acknowledged[i]!))).toHaveLength(8)
  await store.close()
})

it('is locked while a process has it, by name, and is taken over when that one was killed', async () => {
  const ingester = startIngester(0)
  await ingester.until(() => ingester.acknowledged.length >= 1)
  const error = await openInSameThread({ directory }).catch((error: unknown) => error)
  expect(error).toMatchObject({
    code: 'locked',
    message: expect.stringContaining(`process ${ingester.child.pid}`) as string,
  })
  expect((error as Error).message).toContain(directory)
  await kill(ingester)
  const store = await openInSameThread({ directory })
  await expect(openInSameThread({ directory })).rejects.toMatchObject({ code: 'locked' })
  await store.close()
})

it.skipIf(!hasPrlimit())('rejects when the disk is full, and goes on when there is room again', async () => {
  const ingester = startIngester(0, { limit: 64 })
  await ingester.until((line) => line.startsWith('rejected'))
  expect(await ingester.until((line) => line.startsWith('rejected'))).toBe('rejected disk_full')
  const before = ingester.acknowledged.length
  expect(before).toBeGreaterThan(0)
  execFileSync('prlimit', ['--pid', String(ingester.child.pid), '--fsize=unlimited'])
  await ingester.until(() => ingester.acknowledged.length >= before + 20)
  await kill(ingester)
  const store = await openInSameThread({ directory })
  const found = new Set(await find(store, { limit: 10_000 }))
  expect(ingester.acknowledged.map(traceId).filter((id) => !found.has(id))).toEqual([])
  await store.close()
})

function hasPrlimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

const TRACES = 12
const log = (): string => join(directory, '00000001.log')
const index = (): string => join(directory, '00000001.idx')

/** A closed store with one record a trace; returns where each record ends. */
async function storeOfRecords(): Promise<number[]> {
  const store = await openInSameThread({ directory })
  for (let trace = 0; trace < TRACES; trace++)
    await store.append(batchOf(sent({ trace, id: 1, at: trace, service: `s${trace}` })))
  await store.close()
  const ends: number[] = []
  const file = nodeFileSystem.open(log(), 'read')
  for (let at = FILE_HEADER; at < file.size(); at = ends.at(-1)!) ends.push(readRecord(file, at, file.size())!.end)
  file.close()
  expect(ends).toHaveLength(TRACES)
  return ends
}

/** Opens what is there now, checks that exactly these traces are found in every way, and that it can be written to. */
async function expectTraces(traces: readonly number[]): Promise<TraceStore> {
  const store = await openInSameThread({ directory })
  const ids = traces.map(traceId)
  expect((await find(store, {})).sort()).toEqual(ids)
  for (const trace of traces) {
    expect(await spansOf(store, traceId(trace))).toHaveLength(1)
    expect(
      await find(store, { filter: { op: 'eq', target: { attribute: 'service.name' }, value: `s${trace}` } }),
    ).toEqual([traceId(trace)])
  }
  await store.append(batchOf(sent({ trace: 500, id: 1, at: 500 })))
  expect(await spansOf(store, traceId(500))).toHaveLength(1)
  return store
}

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i)

it('cuts off a torn tail wherever it tore, and keeps all before', async () => {
  const ends = await storeOfRecords()
  const size = statSync(log()).size
  // An index that knows of the record would say that it had been durable.
  rmSync(index())
  const original = join(root, 'original')
  cpSync(directory, original, { recursive: true })
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: FILE_HEADER, max: size - 1 }), async (cut) => {
      rmSync(directory, { recursive: true })
      cpSync(original, directory, { recursive: true })
      truncateSync(log(), cut)
      const whole = ends.filter((end) => end <= cut)
      const store = await expectTraces(range(whole.length))
      const { recovered } = await store.stats()
      expect(recovered).toEqual({ blocks: whole.length > 0 ? 1 : 0, tornBytes: cut - (whole.at(-1) ?? FILE_HEADER) })
      await store.close()
    }),
    { numRuns: 4, seed: 2 },
  )
})

it('begins anew where not even the header of a log was written', async () => {
  await storeOfRecords()
  truncateSync(log(), 10)
  rmSync(index())
  await (await expectTraces([])).close()
})

it('steps over a damaged record and keeps all others', async () => {
  const ends = await storeOfRecords()
  flip(log(), ends[4]! - 3)
  flip(log(), ends[8]! + 2) // The magic number of record 9.
  const store = await expectTraces(range(TRACES).filter((trace) => trace !== 4 && trace !== 9))
  expect((await store.stats()).recovered).toEqual({ blocks: 3, tornBytes: 0 })
  await store.close()
})

it('forgets a damaged last record', async () => {
  const ends = await storeOfRecords()
  flip(log(), ends.at(-1)! - 1)
  await (await expectTraces(range(TRACES - 1))).close()
})

it('makes a deleted, damaged or foreign index again', async () => {
  await storeOfRecords()
  const damages = [
    () => rmSync(index()),
    () => truncateSync(index(), statSync(index()).size - 5),
    () => flip(index(), 30),
    () => writeFileSync(index(), 'something else altogether'),
  ]
  for (const damage of damages) {
    damage()
    const store = await openInSameThread({ directory })
    expect((await store.stats()).recovered).toEqual({ blocks: 1, tornBytes: 0 })
    await store.close()
  }
  await (await expectTraces(range(TRACES))).close()
})

it('reads a block from the log whose columns and filters in the index are damaged', async () => {
  await storeOfRecords()
  const file = nodeFileSystem.open(index(), 'read')
  const block = readBlock(file, INDEX_HEADER, file.size())!
  file.close()
  for (const { offset, length } of [block.traceFilter, block.attributeFilter, block.columns])
    flip(index(), offset + (length >> 1))
  const store = await expectTraces(range(TRACES))
  expect((await store.stats()).recovered).toEqual({ blocks: 0, tornBytes: 0 })
  await store.close()
})

it('refuses a directory of another program', async () => {
  await (await openInSameThread({ directory })).close()
  writeFileSync(join(directory, 'FORMAT'), "another program's\n")
  await expect(openInSameThread({ directory })).rejects.toMatchObject({
    code: 'corrupt',
    message: expect.stringContaining('FORMAT') as string,
  })
})

it('rolls segments by size and drops the oldest beyond maxBytes; what is left is whole', async () => {
  const store = await openInSameThread({ directory, segmentBytes: 4096, maxBytes: 40_000, seal: false })
  for (let trace = 0; trace < 150; trace++) {
    await store.append(
      batchOf(
        ...range(20).map((i) => sent({ trace, id: i + 1, at: trace, service: `s${trace}`, name: `${trace} ${i}` })),
      ),
    )
  }
  const check = async (opened: TraceStore): Promise<string[]> => {
    const found = await find(opened, {})
    // The newest are there without a gap, the oldest are gone, and their services with them.
    expect(found).toEqual(range(found.length).map((i) => traceId(149 - i)))
    expect(found.length).toBeGreaterThan(5)
    expect(found.length).toBeLessThan(140)
    expect(await opened.services()).toEqual(
      range(found.length)
        .map((i) => `s${149 - i}`)
        .sort(),
    )
    expect(await spansOf(opened, found.at(-1)!)).toHaveLength(20)
    expect(await spansOf(opened, traceId(0))).toEqual([])
    return found
  }
  const found = await check(store)
  expect((await store.stats()).diskBytes).toBeLessThan(60_000)
  await store.close()
  expect(readdirSync(directory).filter((name) => name.endsWith('.log')).length).toBeGreaterThan(2)
  const again = await openInSameThread({ directory })
  expect(await check(again)).toEqual(found)
  await again.close()
})

function flip(path: string, at: number): void {
  const bytes = readFileSync(path)
  const fd = openSync(path, 'r+')
  writeSync(fd, Uint8Array.of(bytes[at]! ^ 0x55), 0, 1, at)
  closeSync(fd)
}
