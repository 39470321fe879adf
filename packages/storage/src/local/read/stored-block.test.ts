import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import type { OperationKey } from '../block/rows.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { systemClock } from '../runtime.ts'
import { sourceOf } from './blocks.test.helper.ts'
import { Segment } from './catalog-segment.ts'
import { OpenFiles } from './open-files.ts'
import { StoredBlock } from './stored-block.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const OPERATIONS = 300
const KEYS = 100
const BLOCKS = 4_000

function shuffled<T>(values: readonly T[], seed: number): T[] {
  const order = (value: number): number => Math.imul(value + 1, 0x9e3779b1 ^ seed) >>> 0
  return values
    .map((value, at) => ({ value, by: order(at) }))
    .sort((a, b) => a.by - b.by)
    .map(({ value }) => value)
}

const operations = Array.from({ length: OPERATIONS }, (_, i): OperationKey => ({
  service: `service ${i % 20}`,
  name: `operation ${i}`,
  kind: i % 5,
}))
const keys = Array.from({ length: KEYS }, (_, i) => `attribute.${i}`)

function blocks(count: number): StoredBlock[] {
  const source = sourceOf(new OpenFiles(nodeFileSystem, systemClock, 1))
  const segment = new Segment('/nowhere', 1, 'log')
  return Array.from({ length: count }, (_, i) => {
    const at = 900_000 * i
    const meta = {
      logStart: at,
      logEnd: at + 900_000,
      spans: 8_192,
      traces: 1_000,
      groups: 60,
      frames: 4,
      minStart: String(17e17 + i),
      maxStart: String(18e17 + i),
      operations: shuffled(operations, i),
      keys: shuffled(keys, i),
      zones: { minDurationNs: 0.5 + i, maxDurationNs: 3e9 + i, kinds: 63, statuses: 7 },
      crcs: [0xffffff00 + (i % 99), 0xfffff000 + (i % 99)] as const,
    }
    const block = {
      meta,
      traceFilter: { offset: at, length: 1_000 },
      attributeFilter: { offset: at + 1_000, length: 9_000 },
      columns: { offset: at + 10_000, length: 200_000 },
      end: at + 210_000,
    }
    return new StoredBlock(source, segment, block, i)
  })
}

it('takes little more than a kilobyte for a block of hundreds of operations and keys, of which a store has ten thousands', () => {
  const used = (): number => {
    collect()
    return process.memoryUsage().heapUsed
  }
  blocks(10)
  const before = used()
  const kept = blocks(BLOCKS)
  const each = (used() - before) / BLOCKS
  expect(kept[7]!.operations).toEqual(shuffled(operations, 7))
  expect(new Set(kept[7]!.keys)).toEqual(new Set(keys))
  expect(each).toBeLessThan(1_500)
  expect(each).toBeGreaterThan(500)
})
