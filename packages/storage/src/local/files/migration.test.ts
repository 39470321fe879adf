import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findBy, spansOf } from '../../conformance/harness.ts'
import { batchOf, sent, traceId } from '../../conformance/spans.ts'
import type { StoreEvent } from '../../events.ts'
import { openInSameThread } from '../threads/same-thread.test.helper.ts'
import { nodeFileSystem, type FileSystem } from './file-system.ts'
import { formatText } from './format.ts'
import { fileHeader, recordHead } from './log.ts'
import { recoverDirectory } from './recover-directory.ts'
import { encodeHeader } from './sealed-file.ts'

// They open many stores; the machine may be busy.
vi.setConfig({ testTimeout: 180_000 })

const FIXTURES = new URL('../../../fixtures/', import.meta.url).pathname
const TRACES = Array.from({ length: 60 }, (_, i) => i)

let root: string
let directory: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-migration-'))
  directory = join(root, 'data')
})

afterEach(() => rmSync(root, { recursive: true, force: true }))

async function expectAll(appended: readonly number[], events: StoreEvent[] = []): Promise<void> {
  const store = await openInSameThread({ directory, seal: false, onEvent: (event) => events.push(event) })
  try {
    for (const trace of TRACES) {
      const spans = await spansOf(store, traceId(trace))
      expect(spans.map(({ span }) => span.spanId)).toEqual(['1', '2', '3', '4'].map((digit) => digit.padStart(16, '0')))
      const target = { attribute: 'order.id' }
      expect(await findBy(store, { op: 'eq', target, value: `o-${trace}` })).toEqual([traceId(trace)])
    }
    expect((await store.stats()).spans).toBe(240 + appended.length)
    for (const trace of appended) expect(await spansOf(store, traceId(trace))).toHaveLength(1)
    const next = 1000 + appended.length
    await store.append(batchOf(sent({ trace: next, id: 1 })))
    expect(await spansOf(store, traceId(next))).toHaveLength(1)
  } finally {
    await store.close()
  }
}

describe.each(['format-1', 'format-2'])('a directory of %s', (format) => {
  it.each(['closed', 'killed'])('opens, %s, with all its spans, takes more, and opens again', async (kind) => {
    cpSync(join(FIXTURES, format, kind), directory, { recursive: true })
    const events: StoreEvent[] = []
    await expectAll([], events)
    await expectAll([1000], events)
    await expectAll([1000, 1001], events)
    expect(events.filter(({ code }) => code === 'damaged')).toEqual([])
    expect(readFileSync(join(directory, 'FORMAT'), 'utf8')).toBe(formatText(3))
  })
})

it('reads what sealed segments of format 3 did not have at first from what they had', async () => {
  cpSync(join(FIXTURES, 'format-3/sealed'), directory, { recursive: true })
  const store = await openInSameThread({ directory, seal: false })
  const requests = await store.aggregate({ of: 'requests', groupBy: [{ field: 'name' }] })
  expect(requests.groups.map(({ key, count }) => [...key, count])).toEqual(
    [0, 1, 2, 3, 4].map((name) => [`op ${name}`, 12]),
  )
  await store.close()
  const events: StoreEvent[] = []
  await expectAll([], events)
  expect(events.filter(({ code }) => code === 'damaged')).toEqual([])
})

it.each(['format-1', 'format-2'])('seals what %s wrote; nothing of it changes for who reads', async (format) => {
  cpSync(join(FIXTURES, format, 'killed'), directory, { recursive: true })
  const logs = (): string[] => readdirSync(directory).filter((name) => name.endsWith('.log'))
  const before = logs().length
  const events: StoreEvent[] = []
  const store = await openInSameThread({ directory, onEvent: (event) => events.push(event) })
  await store.append(batchOf(sent({ trace: 1000, id: 1 })))
  await vi.waitFor(() => expect(logs()).toHaveLength(1), { timeout: 60_000, interval: 100 })
  await store.close()
  await expectAll([1000], events)
  await expectAll([1000, 1001], events)
  expect(before).toBeGreaterThan(1)
  expect(events.filter(({ code }) => code === 'damaged')).toEqual([])
})

it('leaves the logs of format 1 as they are, and writes what is new into segments of its own', async () => {
  cpSync(join(FIXTURES, 'format-1/closed'), directory, { recursive: true })
  await expectAll([])
  const logs = readdirSync(directory).filter((name) => name.endsWith('.log'))
  expect(logs).toHaveLength(4)
  for (const name of logs.slice(0, 3))
    expect(readFileSync(join(directory, name))).toEqual(readFileSync(join(FIXTURES, 'format-1/closed', name)))
  expect(readFileSync(join(directory, logs[3]!)).readUInt32LE(8)).toBe(3)
})

it.each(['format-1', 'format-2'])('is refused by the versions before, once %s is upgraded', async (format) => {
  cpSync(join(FIXTURES, format, 'closed'), directory, { recursive: true })
  await expectAll([])
  const found = readFileSync(join(directory, 'FORMAT'), 'utf8')
  // What format 1 does: anything but its own text, or the beginning of it, is refused.
  expect('spoor-local 1\n'.startsWith(found)).toBe(false)
  // What format 2 does: a larger number with the right checksum is refused by name, and so is a log of a larger version.
  const [, text, number, crc] = /^(spoor-local (\d+)) ([0-9a-f]{8})\n$/.exec(found)!
  expect([Number(number), parseInt(crc!, 16)]).toEqual([3, crc32(text!)])
  const newest = readdirSync(directory)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .at(-1)!
  expect(readFileSync(join(directory, newest)).readUInt32LE(8)).toBe(3)
})

it('goes on with an upgrade that was interrupted at any step', async () => {
  let steps = 0
  for (let failAt = 0; failAt === 0 || failAt <= steps; failAt++) {
    rmSync(directory, { recursive: true, force: true })
    cpSync(join(FIXTURES, 'format-1/killed'), directory, { recursive: true })
    const counted = interruptedAt(failAt === 0 ? Infinity : failAt)
    try {
      recoverAll(counted.files)
    } catch {
      // The interruption.
    }
    if (failAt === 0) steps = counted.steps()
    if (failAt % 3 === 0) await expectAll([])
    else {
      const damaged: StoreEvent[] = []
      expect(recoverAll(nodeFileSystem, damaged)).toBe(2)
      expect(damaged.filter(({ code }) => code === 'damaged')).toEqual([])
    }
  }
  expect(steps).toBeGreaterThan(5)
})

function recoverAll(files: FileSystem, events: StoreEvent[] = []): number {
  let segments = 0
  const options = { write: true, nowMs: 0, tell: (event: StoreEvent) => void events.push(event) }
  for (const found of recoverDirectory(files, directory, options).segments) {
    segments++
    if (!('segment' in found)) throw new Error(`segment ${found.id} was left out`)
    found.segment?.log.close()
    found.segment?.index.close()
  }
  return segments
}

/** The real file system, in which the `failAt`-th change and all after it do not happen. */
function interruptedAt(failAt: number): { files: FileSystem; steps: () => number } {
  let done = 0
  const step = (): void => {
    if (++done >= failAt) throw new Error('the machine is off')
  }
  const files: FileSystem = {
    ...nodeFileSystem,
    remove: (path) => (step(), nodeFileSystem.remove(path)),
    rename: (from, to) => (step(), nodeFileSystem.rename(from, to)),
    makeDirectory: (path) => (step(), nodeFileSystem.makeDirectory(path)),
    open(path, mode) {
      if (mode !== 'read' && mode !== 'update') step()
      const file = nodeFileSystem.open(path, mode)
      return {
        read: (...args) => file.read(...args),
        write: (...args) => (step(), file.write(...args)),
        size: () => file.size(),
        identity: () => file.identity(),
        truncate: (size) => (step(), file.truncate(size)),
        sync: () => file.sync(),
        dataSync: (then) => file.dataSync(then),
        close: () => file.close(),
      }
    },
  }
  return { files, steps: () => done }
}

/** Everything in the directory but the lock, by name. */
function contents(): Record<string, string> {
  const names = readdirSync(directory).filter((name) => !name.startsWith('LOCK'))
  return Object.fromEntries(names.map((name) => [name, readFileSync(join(directory, name), 'hex')]))
}

function newerHeader(): Buffer {
  const header = fileHeader({ createdMs: 1, salt: 7 })
  header.writeUInt32LE(4, 8)
  return withCrc(header)
}

function withCrc(header: Buffer): Buffer {
  header.writeUInt32LE(0, 12)
  header.writeUInt32LE(crc32(header), 12)
  return header
}

/** A header of 104 bytes, as a later version may write it. */
function newerSealed(): Buffer {
  return encodeHeader({
    version: 4,
    createdMs: 1,
    endedMs: 1,
    salt: 7,
    logBytes: 0,
    size: 104,
    spans: 0,
    sections: 0,
    minStart: 0n,
    maxStart: 0n,
    directoryAt: 104,
    directoryCrc: 0,
    directoryBytes: 0,
    isKept: false,
  })
}

const newer: [string, string, () => void][] = [
  [
    'a sealed segment of version 4',
    '00000004.seal',
    () => writeFileSync(join(directory, '00000004.seal'), newerSealed()),
  ],
  [
    'a sealed segment with features',
    '00000004.seal',
    () => {
      const header = newerSealed()
      header.writeUInt32LE(3, 8)
      header.writeUInt32LE(1, 24)
      writeFileSync(join(directory, '00000004.seal'), withCrc(header))
    },
  ],
  ['FORMAT of version 4', 'FORMAT', () => writeFileSync(join(directory, 'FORMAT'), formatText(4))],
  [
    'FORMAT of version 4 without a checksum',
    'FORMAT',
    () => writeFileSync(join(directory, 'FORMAT'), 'spoor-local 4\n'),
  ],
  ['a log of version 4', '00000004.log', () => writeFileSync(join(directory, '00000004.log'), newerHeader())],
  [
    'a log with features',
    '00000004.log',
    () => {
      const header = fileHeader({ createdMs: 1, salt: 7 })
      header.writeUInt32LE(1, 24)
      writeFileSync(join(directory, '00000004.log'), withCrc(header))
    },
  ],
  [
    'an index of version 4',
    '00000002.idx',
    () => {
      const salt = readFileSync(join(directory, '00000002.log')).readUInt32LE(28)
      const path = join(directory, '00000002.idx')
      const index = readFileSync(path)
      index.writeUInt32LE(4, 8)
      const key = Buffer.alloc(4)
      key.writeUInt32LE(salt)
      index.writeUInt32LE(crc32(key, crc32(index.subarray(0, 12))), 12)
      writeFileSync(path, index)
    },
  ],
  [
    'a record with features',
    '00000004.log',
    () => {
      const head = recordHead([], 0, 7, 1)
      head.writeUInt32LE(1, 24)
      head.writeUInt32LE(crc32(head.subarray(8)), 4)
      writeFileSync(join(directory, '00000004.log'), Buffer.concat([fileHeader({ createdMs: 1, salt: 7 }), head]))
      // It is upgraded before records are looked at.
      writeFileSync(join(directory, 'FORMAT'), formatText(3))
    },
  ],
]

it.each(newer)('refuses %s by name, and touches nothing', async (_what, file, make) => {
  cpSync(join(FIXTURES, 'format-2/closed'), directory, { recursive: true })
  make()
  const before = contents()
  for (const readOnly of [false, true]) {
    await expect(openInSameThread({ directory, readOnly })).rejects.toMatchObject({
      code: 'newer_format',
      message: expect.stringMatching(new RegExp(`${file}.*open it with the version that wrote it`)) as string,
    })
  }
  delete before['00000004.idx']
  const after = contents()
  delete after['00000004.idx']
  delete after['lock.db']
  expect(after).toEqual(before)
  expect(existsSync(join(directory, 'damaged'))).toBe(false)
})

it.each(['format-1', 'format-2'])('opens with any one bit of FORMAT turned, and tells it: %s', (format) => {
  const text = readFileSync(join(FIXTURES, format, 'closed/FORMAT'))
  for (let bit = 0; bit < 8 * text.length; bit++) {
    rmSync(directory, { recursive: true, force: true })
    cpSync(join(FIXTURES, format, 'closed'), directory, { recursive: true })
    const turned = Buffer.from(text)
    turned[bit >> 3]! ^= 1 << (bit & 7)
    writeFileSync(join(directory, 'FORMAT'), turned)
    const events: StoreEvent[] = []
    expect(recoverAll(nodeFileSystem, events)).toBe(3)
    expect(events).toMatchObject([{ code: 'damaged', file: 'FORMAT', kept: 'damaged/FORMAT-0.bin' }])
    expect(readFileSync(join(directory, 'damaged/FORMAT-0.bin'))).toEqual(turned)
    expect(readFileSync(join(directory, 'FORMAT'), 'utf8')).toBe(formatText(3))
  }
})
