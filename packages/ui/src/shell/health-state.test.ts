import type { StatusResponse, StoreEventRow } from 'spoor/api'
import { expect, it } from 'vitest'
import { troublesOf } from './health-state.ts'
import { statusOf } from './status-fixture.ts'

const event = (atMs: number, code: string, text: string): StoreEventRow => ({ atMs, code, severity: 'error', text })
const status = (health: Partial<StatusResponse['health']>, refusing?: string) =>
  statusOf({ health: { ...statusOf().health, ...health }, ...(refusing !== undefined && { refusing }) })

it('is nothing while all is well', () => {
  expect(troublesOf(status({}))).toEqual([])
})

it('begins with the first failure since the last recovery', () => {
  const recent = [
    event(50, 'failing', 'the disk fails: EIO'),
    event(40, 'failing', 'the disk fails: EIO'),
    event(30, 'recovered_again', 'the disk works again'),
    event(20, 'failing', 'the disk fails: EIO'),
  ]
  const [trouble, ...rest] = troublesOf(status({ ready: false, reasons: ['the disk fails: EIO'], recent }))
  expect(rest).toEqual([])
  expect(trouble).toMatchObject({ text: 'the disk fails: EIO', sinceMs: 40 })
  expect(trouble!.advice).toContain('tries again by itself')
})

it('tells of refused spans once', () => {
  expect(troublesOf(status({}, 'too much at once'))).toMatchObject([{ text: 'Spans are refused: too much at once' }])
  expect(troublesOf(status({ reasons: ['spans are refused: disk full'] }, 'disk full'))).toHaveLength(1)
})

it('tells of damage, though all is served', () => {
  const recent = [event(9, 'damaged', 'second'), event(8, 'damaged', 'first')]
  expect(troublesOf(status({ damagedPieces: 2, recent }))).toMatchObject([
    { text: '2 stored pieces are damaged; the first: first', sinceMs: 8 },
  ])
})
