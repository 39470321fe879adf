import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { batchOf } from '../exporters/fixture.ts'
import { createTestLogger } from '../testkit/index.ts'
import { QueueFile, type Stored } from './queue-file.ts'

/** Whether this user may mount a small file system. */
const canMount = ((): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'spoor-mount-'))
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const can = run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at) && run('umount', at)
  rmSync(at, { recursive: true, force: true })
  return can
})()

/** A disk of 8 MiB. */
function smallDisk(): string {
  const root = mkdtempSync(join(tmpdir(), 'spoor-queue-disk-'))
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', root])
  onTestFinished(() => {
    execFileSync('umount', ['-l', root])
    rmSync(root, { recursive: true, force: true })
  })
  return root
}

function free(disk: string): number {
  const { bavail, bsize } = statfsSync(disk)
  return bavail * bsize
}

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
  const disk = smallDisk()
  const queue = open(join(disk, 'queue.sqlite'))
  onTestFinished(() => queue.close())
  const { stored, reason } = await filled(queue)
  expect(reason).toMatch(
    /^the persistent queue cannot be written: the disk of \S+ has \d+ bytes left, of which 2097152 are kept/,
  )
  expect(stored.length).toBeGreaterThan(20)
  expect(free(disk)).toBeGreaterThan(1 << 20)
  for (const each of stored) await queue.remove(each)
  for (let turn = 0; turn < 4; turn++) queue.shrink()
  expect((await filled(queue)).stored.length).toBeGreaterThan(20)
})

test.skipIf(!canMount)(
  'what is in a queue is read on a disk that others have filled, and taken out when there is room again',
  async () => {
    const disk = smallDisk()
    const killed = join(disk, 'killed')
    const file = join(killed, 'queue.sqlite')
    mkdirSync(killed)
    const before = open(join(disk, 'queue.sqlite'))
    const stored = await Promise.all(Array.from({ length: 6 }, () => before.put(large)))
    // As a process leaves it that is killed.
    for (const end of ['', '-wal']) copyFileSync(join(disk, `queue.sqlite${end}`), `${file}${end}`)
    before.close()
    const hog = join(disk, 'hog')
    const fill = (bytes: number): void => {
      try {
        for (;;) writeFileSync(hog, Buffer.alloc(bytes), { flag: 'a' })
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' })
      }
    }
    fill(100_000)
    fill(1)
    expect(free(disk)).toBe(0)

    const queue = open(file)
    expect(queue.found).toEqual(stored)
    for (const each of stored.slice(0, 3)) {
      expect(queue.get(each).byteLength).toBe(100_000)
      await expect(queue.remove(each)).rejects.toMatchObject({ code: 'unavailable' })
    }
    rmSync(hog)
    await queue.remove(stored[3]!)
    queue.close()
    const again = open(file)
    expect(again.found).toEqual(stored.slice(4))
    again.close()
  },
)
