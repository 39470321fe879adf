import { expect, it } from 'vitest'
import { quote } from '../search/search-url.ts'
import { parseShown, shown } from './outside.ts'

const turned = 'a\u202Egpj.exe \u2066b'

it('writes what turns the direction of a text as its number, and cuts what nobody reads', () => {
  expect(shown(turned)).toBe('a\\u202Egpj.exe \\u2066b')
  expect(shown('שלום \u200F (x)')).toBe('שלום \u200F (x)')
  expect(shown('m'.repeat(1001))).toBe(`${'m'.repeat(1000)}…`)
})

it('reads JSON with its texts as they are shown', () => {
  const answer = { [turned]: [turned, '\\', 'm'.repeat(20_000)] }
  expect(parseShown(JSON.stringify(answer))).toEqual({
    [shown(turned)]: [shown(turned), '\\', `${'m'.repeat(10_000)}…`],
  })
  expect(parseShown(JSON.stringify([turned, 1]))).toEqual([shown(turned), 1])
})

it('asks for what was sent by what is shown', () => {
  expect(quote(shown(turned))).toBe(`"${turned}"`)
})
