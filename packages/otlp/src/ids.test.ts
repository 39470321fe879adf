import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { bytesToHex, hexToBytes, idToHex } from './ids.ts'

describe('hex', () => {
  it('goes there and back', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(bytesToHex(bytes)).toBe(Buffer.from(bytes).toString('hex'))
        expect(hexToBytes(bytesToHex(bytes))).toEqual(bytes)
        expect(hexToBytes(bytesToHex(bytes).toUpperCase())).toEqual(bytes)
      }),
    )
  })

  it('refuses what is not hex', () => {
    for (const text of ['0', '0g', 'g0', ' 1', '１２', '@@', '``', '/:'])
      expect(() => hexToBytes(text)).toThrow(RangeError)
  })

  it('of an id that is all zero is empty', () => {
    expect(idToHex(new Uint8Array(8), 0, 8)).toBe('')
    expect(idToHex(Uint8Array.from([9, 0, 1, 9]), 1, 3)).toBe('0001')
  })
})
