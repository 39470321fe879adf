import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { lockDirectory } from './lock.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-lock-'))
})

afterEach(() => {
  rmSync(directory, { recursive: true, force: true })
})

it('is held once at a time, and given back', () => {
  const unlock = lockDirectory(directory)
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  unlock()
  unlock()
  lockDirectory(directory)()
  expect(readdirSync(directory)).toEqual([])
})

it.for([
  ['a process that is gone', JSON.stringify({ pid: 2 ** 22 + 1 })],
  ['a process whose pid another one has now', JSON.stringify({ pid: process.ppid, started: '12345 of another boot' })],
  ['an earlier process with this pid', JSON.stringify({ pid: process.pid, started: '12345 of another boot' })],
  ['a process that was stopped while it wrote', ''],
])('is taken over from %s', ([, lock]) => {
  const file = join(directory, 'LOCK')
  writeFileSync(file, lock!)
  utimesSync(file, 1, 1)
  lockDirectory(directory)()
  expect(readdirSync(directory)).toEqual([])
})

it('is not taken from a living process, which the error names', () => {
  writeFileSync(join(directory, 'LOCK'), JSON.stringify({ pid: process.ppid }))
  expect(() => lockDirectory(directory)).toThrow(`${directory} is in use by process ${process.ppid}`)
  expect(existsSync(join(directory, 'LOCK'))).toBe(true)
})

it('leaves the lock to another newcomer who is just writing it or taking it over, unless that was long ago', () => {
  const file = join(directory, 'LOCK')
  writeFileSync(file, '')
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  utimesSync(file, 1, 1)
  const guard = join(directory, 'LOCK.takeover')
  writeFileSync(guard, JSON.stringify({ pid: process.ppid }))
  expect(() => lockDirectory(directory)).toThrow(expect.objectContaining({ code: 'locked' }))
  utimesSync(guard, 1, 1)
  lockDirectory(directory)()
  expect(readdirSync(directory)).toEqual([])
})
