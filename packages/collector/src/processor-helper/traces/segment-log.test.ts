import { appendFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createTestLogger } from '../../testkit/index.ts'
import type { Fragment } from './fragments.ts'
import { SegmentLog } from './segment-log.ts'

const MAX_BYTES = 200 * 1024 * 1024

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'segment-log-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const idOf = (number: number): Uint32Array => new Uint32Array([number, 7, 7, 7])

function fragment(number: number, length = 5): Fragment {
  return {
    words: idOf(number),
    at: 0,
    spans: number,
    hasRoot: number % 2 === 1,
    bytes: new Uint8Array(length).fill(number),
  }
}

/** As a process does that is killed: nothing is closed. A setImmediate later, all that was done is written. */
async function killed(log: SegmentLog, folder: string): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
  log.close = () => {}
  // Who has ended has no lock any more.
  for (const name of readdirSync(folder)) if (name.startsWith('lock')) rmSync(join(folder, name))
}

const open = (folder: string, maxBytes = MAX_BYTES) => {
  const logger = createTestLogger()
  const log = SegmentLog.open(folder, { maxBytes, logger })
  onTestFinished(() => log.close())
  return { log, logger }
}

const tracesOf = (folder: string): string[] => readdirSync(folder).filter((name) => name.endsWith('.traces'))

test('what was put and not removed is found again, with what is known of traces', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  const places = [...log.put([fragment(1), fragment(2)]), ...log.put([fragment(3)])]
  expect(places.map((place) => log.read(place, 5)[0])).toEqual([1, 2, 3])
  log.remove([places[1]!])
  expect(log.mark(idOf(9), 0, 2, 'a policy')).toBeGreaterThan(0)
  // What is told later is another record.
  await new Promise((resolve) => setImmediate(resolve))
  log.mark(idOf(8), 0, 1, null)
  await killed(log, folder)
  const { log: next, logger } = open(folder)
  expect([...next.marks()]).toEqual([
    { number: expect.any(Number) as number, words: idOf(9), at: 0, state: 2, note: 'a policy' },
    { number: expect.any(Number) as number, words: idOf(8), at: 0, state: 1, note: null },
  ])
  expect([...next.found()]).toEqual([
    { ref: places[0], length: 5, words: idOf(1), at: 0, spans: 1, hasRoot: true },
    { ref: places[2], length: 5, words: idOf(3), at: 0, spans: 3, hasRoot: true },
  ])
  expect(next.read(places[2]!, 5)).toEqual(Buffer.alloc(5, 3))
  expect(logger.lines).toEqual([])
})

test('files go when all of them is done with, the oldest first, and none is left at the end', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  const megabyte = 1024 * 1024
  const places = Array.from({ length: 40 }, (_, i) => log.put([fragment(i, megabyte)])[0]!)
  expect(tracesOf(folder)).toHaveLength(3)
  // Of the second file nothing is left, but what it says of the first is needed.
  log.remove(places.slice(1))
  await new Promise((resolve) => setImmediate(resolve))
  expect(tracesOf(folder)).toHaveLength(3)
  log.remove(places.slice(0, 1))
  await new Promise((resolve) => setImmediate(resolve))
  expect(tracesOf(folder)).toEqual([])
  log.put([fragment(41)])
  expect(tracesOf(folder)).toEqual(['00000004.traces'])
  log.close()
  expect(readdirSync(folder)).toEqual(['00000004.traces', 'lock.sqlite'])
})

test('a file stays until each of the fragments that came together is done with', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  const megabyte = 1024 * 1024
  const places = log.put(Array.from({ length: 3 }, (_, i) => fragment(i + 1, 6 * megabyte)))
  // Another file is written to now.
  log.put([fragment(4)])
  expect(tracesOf(folder)).toHaveLength(2)
  log.remove(places.slice(0, 2))
  await new Promise((resolve) => setImmediate(resolve))
  expect(log.read(places[2]!, 5)).toEqual(Buffer.alloc(5, 3))
  log.remove(places.slice(2))
  await new Promise((resolve) => setImmediate(resolve))
  expect(tracesOf(folder)).toHaveLength(1)
})

test('of marks, files go when all in them are forgotten', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  const marksOf = (): number => readdirSync(folder).filter((name) => name.endsWith('.marks')).length
  const numbers: number[] = []
  for (let i = 0; i < 6; i++) {
    for (let j = 0; j < 1000; j++) numbers.push(log.mark(idOf(j), 0, 1, 'long'.repeat(150)))
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(marksOf()).toBe(3)
  for (const number of numbers.slice(0, 4000)) log.unmark(number)
  expect(marksOf()).toBe(1)
  for (const number of numbers.slice(4000)) log.unmark(number)
  log.close()
  expect(marksOf()).toBe(0)
})

test('a record that was not written to its end is as if it had not been', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  log.put([fragment(1)])
  log.put([fragment(2)])
  await killed(log, folder)
  const file = join(folder, tracesOf(folder)[0]!)
  truncateSync(file, readFileSync(file).length - 1)
  const { log: next, logger } = open(folder)
  expect([...next.found()].map(({ spans }) => spans)).toEqual([1])
  expect(logger.lines).toEqual([])
  // And what comes afterwards is found behind it.
  next.put([fragment(3)])
  await killed(next, folder)
  expect([...open(folder).log.found()].map(({ spans }) => spans)).toEqual([1, 3])
})

test('damage before the end is told, and what is before it is found', async () => {
  const folder = newFolder()
  const { log } = open(folder)
  log.put([fragment(1)])
  log.put([fragment(2)])
  await killed(log, folder)
  const file = join(folder, tracesOf(folder)[0]!)
  const bytes = readFileSync(file)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(file, bytes)
  writeFileSync(join(folder, '00000002.traces'), '')
  appendFileSync(join(folder, '00000002.traces'), 'x')
  const { log: next, logger } = open(folder)
  expect([...next.found()].map(({ spans }) => spans)).toEqual([1])
  expect(logger.lines).toEqual([
    {
      level: 'error',
      fields: { file, at_byte: bytes.length / 2 },
      message: expect.stringContaining('damaged') as string,
    },
  ])
})

test('it has no more than it may, and says so', () => {
  const { log } = open(newFolder(), 10_000)
  log.put([fragment(1, 9_000)])
  expect(() => log.put([fragment(2, 9_000)])).toThrow(expect.objectContaining({ code: 'overloaded', retryable: true }))
})

test('what cannot be written or read is an error', () => {
  const folder = newFolder()
  const { log } = open(folder)
  expect(() => log.read(2 ** 32 + 9, 1)).toThrow(expect.objectContaining({ code: 'internal' }))
  rmSync(folder, { recursive: true })
  expect(() => log.put([fragment(1)])).toThrow(expect.objectContaining({ code: 'unavailable', retryable: true }))
  expect(log.mark(idOf(1), 0, 1, null)).toBe(0)
})

test('one process has the folder', () => {
  const folder = newFolder()
  open(folder)
  expect(() => open(folder)).toThrow('another process has the log of waiting traces')
})
