import { expect, test } from 'vitest'
import { parseGrpcTimeout } from './grpc-timeout.ts'

test.each([
  ['1H', 3_600_000],
  ['2M', 120_000],
  ['10S', 10_000],
  ['250m', 250],
  ['1500u', 1.5],
  ['2000000n', 2],
  ['0m', 0],
  ['99999999H', 2 ** 31 - 1],
])('%s', (header, milliseconds) => {
  expect(parseGrpcTimeout(header)).toBe(milliseconds)
})

test('none', () => {
  expect(parseGrpcTimeout(undefined)).toBeUndefined()
})

test.each(['', '5', 'S', '123456789S', '-1S', '1.5S', '1s', '1S '])('%j is none', (header) => {
  expect(() => parseGrpcTimeout(header)).toThrow('it must be 1 to 8 digits and a unit of H, M, S, m, u, n')
})
