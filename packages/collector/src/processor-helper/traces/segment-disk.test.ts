import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { createTestLogger } from '../../testkit/index.ts'
import { canMount, smallDisk } from '../../testkit/small-disk.ts'
import { SegmentLog } from './segment-log.ts'

test.skipIf(!canMount)(
  'a log that has filled its half of a disk goes on when all that was in it has been decided',
  async () => {
    const disk = smallDisk(onTestFinished)
    const folder = join(disk.folder, 'log')
    mkdirSync(folder)
    const logger = createTestLogger()
    const open = (): SegmentLog => SegmentLog.open(folder, { maxBytes: 1e9, logger })
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
    expect(disk.free).toBeGreaterThanOrEqual(4 << 20)
    log.remove(first.places)
    await turn()
    expect(filled().places.length).toBe(first.places.length)

    // Others fill the disk in the middle of what is written: the next start knows what is whole, and the one after it does, too.
    const empty = disk.fill()
    expect(() => log.put([fragment])).toThrow('cannot be written')
    const last = readdirSync(folder)
      .filter((name) => name.endsWith('.traces'))
      .at(-1)!
    log.close()
    empty()
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
