import { expect, it } from 'vitest'
import { schemeOf } from './admit.ts'

it.each([
  [undefined, ''],
  ['Bearer abcdef', 'Bearer'],
  ['Bearer%20abcdef', 'Bearer%20'],
  ['Bearerabcdef', 'Bearer'],
  // Nothing of what may be a secret, whatever it is made of.
  ['hunter', '?'],
  ['abcdefghijklmnop', '?'],
  ['0123', '?'],
])('of the header %j nothing but the scheme is told: %j', (header, scheme) => {
  expect(schemeOf(header)).toBe(scheme)
})
