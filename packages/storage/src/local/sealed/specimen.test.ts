import { expect, it } from 'vitest'
import { requestOf, sent } from '../../conformance/spans.ts'
import { specimenOf } from './specimen.ts'

const request = requestOf([sent({ trace: 1, id: 1 }), sent({ trace: 2, id: 2 })])

it('has an object of each kind that is made for a section and gone before the next one', () => {
  const kinds = new Set(
    specimenOf([request])!
      .flat()
      .map(({ constructor: { name } }) => name),
  )
  const read = 'Groups Operations Traces StartSorter Columns Templates Entries Walker Runs Facts Bounds'
  const written = 'EncodedColumn EncodedTable Shapes ChunkWriter Attributes ByteWriter SpanDigest'
  const wanted = `${read} ${written} Section SectionColumns SealedRows ComparedGroups Comparison`.split(' ')
  expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([])
})

it('is small', () => {
  const large = new Uint8Array((1 << 20) + 1)
  expect(specimenOf([large, request])).toBeUndefined()
  expect(specimenOf([request, large])).toBeDefined()
})
