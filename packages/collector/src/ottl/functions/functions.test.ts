import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FUNCTIONS, UNSUPPORTED } from './index.ts'

test('docs/ottl.md names all functions, and those that are not there', () => {
  const text = readFileSync(new URL('../../../../../docs/ottl.md', import.meta.url), 'utf8')
  const namesIn = (start: string): string[] =>
    [...new RegExp(`^${start}: (.*)\\.$`, 'm').exec(text)![1]!.matchAll(/`(\w+)`/g)].map((match) => match[1]!)
  expect([...namesIn('Editors'), ...namesIn('Converters')].sort()).toEqual([...FUNCTIONS.keys()].sort())
  expect(namesIn('Not supported, which is told').sort()).toEqual([...UNSUPPORTED].sort())
})
