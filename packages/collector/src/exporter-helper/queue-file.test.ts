import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { crc32 } from 'node:zlib'
import { createBatch } from '@spoor/otlp'
import { expect, onTestFinished, test } from 'vitest'
import { batchOf } from '../exporters/fixture.ts'
import { createTestLogger, logsRequest, tracesRequest } from '../testkit/index.ts'
import { QueueFile } from './queue-file.ts'

function place(): { directory: string; file: string } {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-queue-'))
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }))
  return { directory, file: join(directory, 'queue.sqlite') }
}

const open = (file: string, fsync = false, logger = createTestLogger()) => QueueFile.open(file, { fsync, logger })
const a = tracesRequest({ spans: 3 })
const b = tracesRequest({ spans: 2, seed: 2 })

test('what was put and not taken out is found again, in its order, with its bytes', async () => {
  const { file } = place()
  const queue = open(file)
  const [first, second, third] = await Promise.all([
    queue.put(batchOf(a, 3)),
    queue.put(
      createBatch('traces', [
        { bytes: a, items: 3 },
        { bytes: b, items: 2 },
      ]),
    ),
    queue.put(batchOf(logsRequest(4), 4, 'logs')),
  ])
  await queue.remove(first)
  queue.close()
  const again = open(file)
  expect(again.found).toEqual([second, third])
  expect(again.get(second)).toEqual(batchOf(Uint8Array.from([...a, ...b]), 5))
  expect(again.get(third)).toMatchObject({ signal: 'logs', items: 4 })
  // A number is not used again for another batch.
  expect((await again.put(batchOf(a, 3))).number).toBeGreaterThan(third.number)
  again.close()
})

test('is in the file when put resolves, though nobody closes it', async () => {
  const { file } = place()
  const queue = open(file)
  await queue.put(batchOf(a, 3))
  // As a process leaves it that is killed.
  const copy = place()
  for (const end of ['', '-wal']) writeFileSync(`${copy.file}${end}`, readFileSync(`${file}${end}`))
  const left = open(copy.file)
  expect(left.found).toMatchObject([{ items: 3 }])
  left.close()
  queue.close()
})

test('syncs where it is told to, and only there', () => {
  for (const fsync of [true, false]) {
    const queue = open(place().file, fsync)
    expect(queue.isSynced).toBe(fsync)
    queue.close()
  }
})

test('refuses for now what it has no room for, and takes it when there is room again', async () => {
  const { file } = place()
  const queue = QueueFile.open(file, { fsync: false, maxBytes: 200_000, logger: createTestLogger() })
  const large = batchOf(new Uint8Array(100_000), 1)
  const first = await queue.put(large)
  await expect(queue.put(large)).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringMatching(/cannot be written: .*full/) as string,
  })
  await queue.remove(first)
  await queue.put(large)
  queue.close()
  expect(open(file).found.length).toBe(1)
})

test('what is sent leaves it, though something that has no room comes in the same turn', async () => {
  const { file } = place()
  const queue = QueueFile.open(file, { fsync: false, maxBytes: 200_000, logger: createTestLogger() })
  onTestFinished(() => queue.close())
  const first = await queue.put(batchOf(new Uint8Array(100_000), 1))
  const [refused, taken, removed] = await Promise.allSettled([
    queue.put(batchOf(new Uint8Array(150_000), 1)),
    queue.put(batchOf(a, 3)),
    queue.remove(first),
  ])
  expect([refused.status, taken.status, removed.status]).toEqual(['rejected', 'fulfilled', 'fulfilled'])
  await queue.put(batchOf(new Uint8Array(100_000), 1))
})

test('belongs to one at a time', () => {
  const { file } = place()
  const queue = open(file)
  expect(() => open(file)).toThrow(`another process has the persistent queue in ${file}`)
  queue.close()
  open(file).close()
})

test('a damaged file is set aside and told, and a new one begun', async () => {
  const { directory, file } = place()
  writeFileSync(file, 'this is no queue, and was never one. '.repeat(100))
  const logger = createTestLogger()
  const queue = open(file, false, logger)
  await queue.put(batchOf(a, 3))
  queue.close()
  expect(logger.lines).toMatchObject([{ level: 'error', fields: { file } }])
  const aside = readdirSync(directory).find((name) => name.includes('damaged'))
  expect(readFileSync(join(directory, aside!), 'utf8')).toContain('this is no queue')
})

test('a batch whose bytes have changed is not sent', async () => {
  const { file } = place()
  const queue = open(file)
  const stored = await queue.put(batchOf(a, 3))
  queue.close()
  const database = new DatabaseSync(file)
  const changed = Uint8Array.from(a).fill(0, 10, 20)
  database.prepare('UPDATE batches SET bytes = ?').run(changed)
  database.close()
  const again = open(file)
  expect(() => again.get(stored)).toThrow('damaged')
  again.close()
})

test('space that is free again goes back to the file system', async () => {
  const { file } = place()
  const queue = open(file)
  const big = batchOf(tracesRequest({ spans: 2000 }), 2000)
  const all = await Promise.all(Array.from({ length: 4 }, () => queue.put(big)))
  await Promise.all(all.map((stored) => queue.remove(stored)))
  for (let turn = 0; turn < 4; turn++) queue.shrink()
  queue.close()
  expect(statSync(file).size).toBeLessThan(big.byteLength)
})

test('a file of before, without metadata, is read, and takes them from then on', async () => {
  const { file } = place()
  const database = new DatabaseSync(file)
  database.exec(
    'CREATE TABLE batches (number INTEGER PRIMARY KEY, signal TEXT NOT NULL, items INTEGER NOT NULL, crc32 INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT',
  )
  database.prepare('INSERT INTO batches VALUES (7, ?, 3, ?, ?)').run('traces', crc32(a), a)
  database.close()
  const queue = open(file)
  expect(queue.found).toMatchObject([{ number: 7, metadata: null }])
  expect(queue.get(queue.found[0]!)).toEqual(batchOf(a, 3))
  await queue.put(batchOf(b, 2), '[["tenant",["x"]]]')
  queue.close()
  const again = open(file)
  expect(again.found.map(({ metadata }) => metadata)).toEqual([null, '[["tenant",["x"]]]'])
  again.close()
})
