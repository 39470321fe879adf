import { expect, it } from 'vitest'
import { keptOf, recentWith, searchOf, wordsOf } from './kept-searches.ts'

it('keeps what a search asks, and not how it was looked at', () => {
  const asked = { q: 'service:"a b"&x=1', range: '6h', order: 'longest', min: '1s' } as const
  const kept = keptOf({ ...asked, panel: 'errors', flame: 'table' })
  expect(searchOf(kept)).toEqual(asked)
  expect(wordsOf(kept)).toBe('service:"a b"&x=1 · last 6h')
  expect([wordsOf(''), wordsOf('?range=all&q=x'), wordsOf('?from=1&q=x')]).toEqual([
    'everything · last 1h',
    'x · all time',
    'x · a fixed time',
  ])
})

it('remembers the last ones, each once', () => {
  let recent: readonly string[] = []
  for (const q of ['a', 'b', 'a']) recent = recentWith(recent, { q })
  expect(recent).toEqual(['?q=a', '?q=b'])
  expect(recentWith(recent, {})).toBe(recent)
  for (let at = 0; at < 20; at++) recent = recentWith(recent, { q: `q${at}` })
  expect([recent.length, recent[0]]).toEqual([12, '?q=q19'])
})
