import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { batchOf } from '../exporters/fixture.ts'
import { createTestLogger } from '../testkit/index.ts'
import { canMount, smallDisk } from '../testkit/small-disk.ts'
import { QueueFile, type Stored } from './queue-file.ts'

const open = (file: string): QueueFile => QueueFile.open(file, { fsync: false, logger: createTestLogger() })
const large = batchOf(new Uint8Array(100_000), 1)

async function filled(queue: QueueFile): Promise<{ stored: Stored[]; reason: string }> {
  const stored: Stored[] = []
  for (;;) {
    const outcome = await queue.put(large).catch((error: Error) => error.message)
    if (typeof outcome === 'string') return { stored, reason: outcome }
    stored.push(outcome)
  }
}

test.skipIf(!canMount)('a queue that has filled its disk can be emptied, and takes more then', async () => {
  const disk = smallDisk(onTestFinished)
  const queue = open(join(disk.folder, 'queue.sqlite'))
  onTestFinished(() => queue.close())
  const { stored, reason } = await filled(queue)
  expect(reason).toMatch(
    /^the persistent queue cannot be written: the disk of \S+ has \d+ bytes left, of which 2097152 are kept/,
  )
  expect(stored.length).toBeGreaterThan(20)
  expect(disk.free).toBeGreaterThan(1 << 20)
  for (const each of stored) await queue.remove(each)
  for (let turn = 0; turn < 4; turn++) queue.shrink()
  expect((await filled(queue)).stored.length).toBeGreaterThan(20)
})

test.skipIf(!canMount)(
  'what is in a queue is read on a disk that others have filled, and taken out when there is room again',
  async () => {
    const disk = smallDisk(onTestFinished)
    const killed = join(disk.folder, 'killed')
    const file = join(killed, 'queue.sqlite')
    mkdirSync(killed)
    const before = open(join(disk.folder, 'queue.sqlite'))
    const stored = await Promise.all(Array.from({ length: 6 }, () => before.put(large)))
    // As a process leaves it that is killed.
    for (const end of ['', '-wal']) copyFileSync(join(disk.folder, `queue.sqlite${end}`), `${file}${end}`)
    before.close()
    const empty = disk.fill()
    expect(disk.free).toBe(0)

    const queue = open(file)
    expect(queue.found).toEqual(stored)
    for (const each of stored.slice(0, 3)) {
      expect(queue.get(each).byteLength).toBe(100_000)
      await expect(queue.remove(each)).rejects.toMatchObject({ code: 'unavailable' })
    }
    empty()
    await queue.remove(stored[3]!)
    queue.close()
    const again = open(file)
    expect(again.found).toEqual(stored.slice(4))
    again.close()
  },
)
