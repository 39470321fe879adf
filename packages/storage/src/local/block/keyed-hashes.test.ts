import { describe, expect, it } from 'vitest'
import { attributes, requestOf, sent } from '../../conformance/spans.ts'
import { BlockBuilder } from './builder.ts'

function keysOf(builder: BlockBuilder, ...each: Record<string, string>[]): readonly string[] | undefined {
  builder.add(requestOf(each.map((own, i) => sent({ trace: 1, id: i + 1, at: 1, attributes: attributes(own) }))))
  return builder.hashes.keys?.toSorted()
}

describe('the keys of a block', () => {
  it('are told each once, and anew when the block begins anew', () => {
    const builder = new BlockBuilder()
    expect(keysOf(builder, { a: '1', ключ: '2' }, { a: '3' })).toEqual(['a', 'ключ'])
    expect(keysOf(builder, { b: '1' })).toEqual(['a', 'b', 'ключ'])
    builder.reset()
    expect(keysOf(builder, { a: '1' })).toEqual(['a'])
  })

  it('are not told where there are very many, or one is very long: then a block may have any', () => {
    const many = Object.fromEntries(Array.from({ length: 1_000 }, (_, i) => [`key ${i}`, 'x']))
    expect(keysOf(new BlockBuilder(), many)).toBeUndefined()
    const builder = new BlockBuilder()
    expect(keysOf(builder, { ['k'.repeat(1_025)]: 'x' })).toBeUndefined()
    builder.reset()
    expect(keysOf(builder, { a: '1' })).toEqual(['a'])
  })
})
