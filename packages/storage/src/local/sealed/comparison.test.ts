import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { requestOf, sent, type SentSpan } from '../../conformance/spans.ts'
import { nodeFileSystem } from '../files/file-system.ts'
import { SealedWriter } from '../files/sealed-writer.ts'
import { recipes, requestsOf } from './arbitrary.test.helper.ts'
import { encodeSection, type EncodedSection } from './encode.ts'
import { Section } from './section.ts'
import type { Source } from './source.ts'

vi.setConfig({ testTimeout: 120_000 })

/** Whether the section that was made from `source` is said to be that. */
function comparerOf({ parts, meta, source }: EncodedSection): (other?: Partial<Source>) => boolean {
  const bytes = Buffer.concat(parts)
  const section = new Section(meta, (at, length) => bytes.subarray(at, at + length))
  const rows = section.rows()
  return (other) => section.isSameAs({ ...source, ...other }, rows)
}

it('is what it was made from, and is not when any byte of a span is another', () => {
  fc.assert(
    fc.property(recipes, fc.boolean(), fc.infiniteStream(fc.nat()), (recipe, whole, random) => {
      const encoded = encodeSection({ requests: requestsOf(recipe), whole })
      const isSame = comparerOf(encoded)
      expect(isSame()).toBe(true)
      const { bytes, columns, kept } = encoded.source
      const next = (end: number): number => (random.next().value as number) % end
      for (let i = 0; i < 60 && kept.length > 0; i++) {
        const row = kept[next(kept.length)]!
        const [start, end] = [columns.spanStart[row]!, columns.spanEnd[row]!]
        if (start === end) continue
        const at = start + next(end - start)
        const byte = bytes[at]!
        bytes[at] = byte ^ (1 << next(8))
        expect(isSame()).toBe(false)
        bytes[at] = byte
      }
    }),
    { numRuns: 12 },
  )
})

const twoResources = (): EncodedSection => {
  const span = (id: number): SentSpan =>
    sent({ trace: id % 3, id, service: `s${id % 2}`, scope: { name: `scope ${id % 2}` } })
  return encodeSection({ requests: [requestOf(Array.from({ length: 12 }, (_, i) => span(i + 1)))] })
}

it('is not the same when a span is under another resource or scope', () => {
  const encoded = twoResources()
  const { columns } = encoded.source
  const isSame = comparerOf(encoded)
  for (const level of ['resource', 'scope'] as const) {
    const starts = columns[`${level}Start`].slice()
    const ends = columns[`${level}End`].slice()
    const other = starts.findIndex((start) => start !== starts[0])
    const moved = { [`${level}Start`]: starts.with(0, starts[other]!), [`${level}End`]: ends.with(0, ends[other]!) }
    expect(isSame({ columns: { ...columns, ...moved } })).toBe(false)
  }
  expect(isSame()).toBe(true)
})

it('is not the same when a resource has less', () => {
  const encoded = twoResources()
  const { columns } = encoded.source
  const schemaUrl = 2 + 'https://opentelemetry.io/schemas/1.26.0'.length
  const resourceEnd = columns.resourceEnd.with(0, columns.resourceEnd[0]! - schemaUrl)
  expect(comparerOf(encoded)({ columns: { ...columns, resourceEnd } })).toBe(false)
})

it('is not the same without a span, or with one twice', () => {
  const encoded = twoResources()
  const isSame = comparerOf(encoded)
  const { kept, order, columns } = encoded.source
  expect(isSame({ kept: kept.subarray(1) })).toBe(false)
  expect(isSame({ order: order.with(1, order[0]!) })).toBe(false)
  expect(isSame({ kept: Uint32Array.of(...kept, columns.count) })).toBe(false)
})

it('is not written as one that is whole when it is not what it was made from', () => {
  const directory = mkdtempSync(join(tmpdir(), 'spoor-comparison-'))
  const file = nodeFileSystem.open(join(directory, 'file'), 'create')
  try {
    const encoded = twoResources()
    const writer = new SealedWriter(file, 1)
    writer.add(encoded)
    const { source, parts } = encoded
    const bytes = source.bytes.slice()
    bytes[source.columns.nameStart[5]!]! ^= 1
    expect(() => writer.add({ ...encoded, source: { ...source, bytes } })).toThrow(/not what it was made from/)
    const damaged = parts.map((part) => part.slice())
    for (const part of damaged) if (part.length > 0) part[0]! ^= 1
    expect(() => writer.add({ ...encoded, parts: damaged })).toThrow(/not what it was made from/)
  } finally {
    file.close()
    rmSync(directory, { recursive: true })
  }
})
