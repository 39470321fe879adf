import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { endEarlyThreads, startThreadsEarly, takeThread } from './early.ts'
import { openLocalStore } from './local-store.ts'

let directory: string

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'spoor-early-'))
})
afterEach(() => {
  endEarlyThreads()
  rmSync(directory, { recursive: true, force: true })
})

it('has a thread at hand once', async () => {
  const [writer] = startThreadsEarly()
  const taken = takeThread('writer')
  const other = takeThread('writer')
  expect(taken).toBe(writer)
  expect(other).not.toBe(writer)
  await Promise.all([taken, other].map((thread) => thread.terminate()))
})

it('has none at hand that has ended', async () => {
  const [writer] = startThreadsEarly()
  await writer!.terminate()
  const taken = takeThread('writer')
  expect(taken).not.toBe(writer)
  await taken.terminate()
})

it('gives those that there are to the store that is opened, which ends them', async () => {
  const threads = startThreadsEarly()
  const ended = Promise.all(threads.map((thread) => once(thread, 'exit')))
  const store = await openLocalStore({ directory })
  expect(await store.services()).toEqual([])
  // Of a thread that has ended it is -1.
  for (const { threadId } of threads) expect(threadId).toBeGreaterThan(0)
  await store.close()
  await ended
})

it('ends those of a store that cannot be opened', async () => {
  const ended = Promise.all(startThreadsEarly().map((thread) => once(thread, 'exit')))
  const path = join(directory, 'file')
  writeFileSync(path, '')
  await expect(openLocalStore({ directory: path })).rejects.toThrow(/file/)
  await ended
})
