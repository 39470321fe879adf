import { expect, it } from 'vitest'
import { ByteTable } from './byte-table.ts'

const bytes = new TextEncoder().encode('service operation')

function key(table: ByteTable, number: number, ...ranges: readonly (readonly [number, number])[]): void {
  table.begin()
  table.number(number)
  for (const [start, end] of ranges) table.range(bytes, start, end)
}

it('gives each key its number, however many there are', () => {
  const table = new ByteTable()
  for (let i = 0; i < 5000; i++) {
    key(table, i, [0, i % 17])
    expect(table.find()).toBe(-1)
    expect(table.add()).toBe(i)
  }
  for (let i = 0; i < 5000; i++) {
    key(table, i, [0, i % 17])
    expect(table.find()).toBe(i)
  }
  expect(table.size).toBe(5000)
  expect(table.byteLength).toBeGreaterThan(5000 * 16)
})

it('tells the same bytes in other parts apart', () => {
  const table = new ByteTable()
  key(table, 1, [0, 7], [7, 17])
  table.add()
  key(table, 1, [0, 8], [8, 17])
  expect(table.find()).toBe(-1)
  key(table, 1, [0, 7], [7, 17])
  expect(table.find()).toBe(0)
})

it('tells keys apart by each of their bytes', () => {
  for (let length = 1; length <= 17; length++) {
    const table = new ByteTable()
    const some = bytes.slice(0, length)
    const look = (): number => {
      table.begin()
      table.range(some, 0, length)
      return table.find()
    }
    look()
    table.add()
    for (let at = 0; at < length; at++) {
      some[at]! ^= 0x80
      expect(look()).toBe(-1)
      some[at]! ^= 0x80
    }
    expect(look()).toBe(0)
  }
})

it('begins anew when it is cleared', () => {
  const table = new ByteTable()
  key(table, 1, [0, 17])
  table.add()
  table.clear()
  expect(table.byteLength).toBe(0)
  key(table, 1, [0, 17])
  expect(table.find()).toBe(-1)
  expect(table.add()).toBe(0)
})
