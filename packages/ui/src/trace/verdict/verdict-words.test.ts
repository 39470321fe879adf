import { expect, it } from 'vitest'
import { timesText } from './verdict-words.ts'

it.each([
  [{ spans: 1, failed: 0 }, ''],
  [{ spans: 1, failed: 1 }, ''],
  [{ spans: 34, failed: 0 }, '34 times'],
  [{ spans: 3, failed: 2 }, 'in 3 tries'],
  [{ spans: 3, failed: 3 }, '3 times'],
])('%o: %s', (share, words) => expect(timesText(share)).toBe(words))
