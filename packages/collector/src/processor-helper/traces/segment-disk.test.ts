import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createTestLogger } from '../../testkit/index.ts'
import { SegmentLog } from './segment-log.ts'

/** Whether this user may mount a small file system. */
const canMount = ((): boolean => {
  const at = mkdtempSync(join(tmpdir(), 'spoor-mount-'))
  const run = (command: string, ...args: string[]): boolean =>
    spawnSync(command, args, { stdio: 'ignore' }).status === 0
  const can = run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', at) && run('umount', at)
  rmSync(at, { recursive: true, force: true })
  return can
})()

test.skipIf(!canMount)(
  'a log that has filled its half of a disk goes on when all that was in it has been decided',
  async () => {
    const disk = mkdtempSync(join(tmpdir(), 'spoor-traces-disk-'))
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
    onTestFinished(() => {
      execFileSync('umount', ['-l', disk])
      rmSync(disk, { recursive: true, force: true })
    })
    const folder = join(disk, 'log')
    mkdirSync(folder)
    const logger = createTestLogger()
    const open = (): SegmentLog => SegmentLog.open(folder, { maxBytes: 1e9, logger })
    const free = (): number => {
      const { bavail, bsize } = statfsSync(disk)
      return bavail * bsize
    }
    let log = open()
    const words = new Uint32Array(4)
    const fragment = { words, at: 0, spans: 1, hasRoot: true, bytes: new Uint8Array(100_000) }
    const filled = (): { places: number[]; reason: string } => {
      const places: number[] = []
      for (;;) {
        try {
          places.push(...log.put([fragment]))
        } catch (error) {
          return { places, reason: (error as Error).message }
        }
      }
    }
    const first = filled()
    expect(first.reason).toMatch(
      /^the log of waiting traces in \S+ cannot be written: its disk has \d+ bytes left, of which 4194304/,
    )
    expect(first.places.length).toBeGreaterThan(35)
    expect(free()).toBeGreaterThanOrEqual(4 << 20)
    log.remove(first.places)
    await turn()
    expect(filled().places.length).toBe(first.places.length)

    // Others fill the disk in the middle of what is written: the next start knows what is whole, and the one after it does, too.
    const hog = join(disk, 'hog')
    for (const bytes of [100_000, 1])
      try {
        for (;;) writeFileSync(hog, Buffer.alloc(bytes), { flag: 'a' })
      } catch (error) {
        expect(error).toMatchObject({ code: 'ENOSPC' })
      }
    expect(() => log.put([fragment])).toThrow('cannot be written')
    const last = readdirSync(folder)
      .filter((name) => name.endsWith('.traces'))
      .at(-1)!
    log.close()
    rmSync(hog)
    // As a process leaves it that was killed while it wrote.
    const whole = statSync(join(folder, last)).size
    writeFileSync(join(folder, last), Buffer.from([9, 0, 0, 0, 1]), { flag: 'a' })
    for (let start = 0; start < 2; start++) {
      log = open()
      expect([...log.found()].length).toBe(first.places.length + start)
      expect(statSync(join(folder, last)).size).toBe(whole)
      log.put([{ ...fragment, bytes: new Uint8Array(1) }])
      log.close()
    }
    expect(logger.lines).toEqual([])
  },
)
