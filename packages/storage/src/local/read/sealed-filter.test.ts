import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bloomAdd, createBloom, TRACE_BITS, TRACE_PROBES } from '../block/bloom.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { systemClock } from '../runtime.ts'
import { sourceOf } from './blocks.test.helper.ts'
import { Segment } from './catalog-segment.ts'
import { OpenFiles } from './open-files.ts'
import { SealedFilter } from './sealed-block.ts'

const OFFSET = 100
const hashes = Array.from({ length: 10_000 }, (_, i) => Math.imul(i + 1, 0x9e3779b1))
const others = Array.from({ length: 1_000 }, (_, i) => Math.imul(i + 50_000, 0x9e3779b1))

let directory: string
let files: OpenFiles
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-filter-'))
  files = new OpenFiles(nodeFileSystem, systemClock, 4)
})
afterEach(() => {
  files.closeAll()
  rmSync(directory, { recursive: true, force: true })
})

/** Of a file with a filter of {@link hashes}, and a cache with room for `cacheBytes`. */
function filterOf(cacheBytes: number, damage = 0): SealedFilter {
  const bloom = createBloom(hashes.length, TRACE_BITS)
  for (const hash of hashes) bloomAdd(bloom, hash, TRACE_PROBES)
  const bytes = Buffer.from(bloom.buffer)
  const segment = new Segment(directory, 1, 'sealed')
  writeFileSync(segment.sealedPath, Buffer.concat([Buffer.alloc(OFFSET), bytes]))
  return new SealedFilter(sourceOf(files, cacheBytes), segment, {
    offset: OFFSET,
    length: bytes.length,
    crc: crc32(bytes) ^ damage,
  })
}

it('is read whole once where there is room for it', () => {
  const filter = filterOf(1 << 20)
  expect(hashes.every((hash) => filter.mayHave(hash))).toBe(true)
  expect(others.some((hash) => filter.mayHave(hash))).toBe(false)
  expect(files.bytesRead).toBe((hashes.length * TRACE_BITS) / 8)
})

it('is read whole once, and then some words for each trace, where there is none', () => {
  const filter = filterOf(1)
  expect(filter.mayHave(hashes[0]!)).toBe(true)
  const whole = files.bytesRead
  expect(hashes.every((hash) => filter.mayHave(hash))).toBe(true)
  expect(files.bytesRead - whole).toBe(4 * TRACE_PROBES * hashes.length)
  const before = files.bytesRead
  expect(others.some((hash) => filter.mayHave(hash))).toBe(false)
  expect(files.bytesRead - before).toBeLessThan(4 * 3 * others.length)
})

it('denies nothing when it is damaged', () => {
  const filter = filterOf(1, 1)
  expect(others.every((hash) => filter.mayHave(hash))).toBe(true)
})
