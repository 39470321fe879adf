import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import { bytesByExtension } from './disk.ts'

vi.mock(import('node:fs/promises'), async (original) => ({ ...(await original()) }))

it('counts what is there, and nothing for a file that goes while it is looked at', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'spoor-disk-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const name of ['a.log', 'b.log', 'c.idx']) writeFileSync(join(folder, name), name.repeat(3))
  symlinkSync('nowhere', join(folder, 'link.log'))
  expect(await bytesByExtension(folder)).toEqual({ '.log': 30, '.idx': 15 })
  const { stat } = promises
  vi.spyOn(promises, 'stat').mockImplementation(((path: string) => {
    if (path.endsWith('b.log')) rmSync(path)
    return stat(path)
  }) as typeof stat)
  expect(await bytesByExtension(folder)).toEqual({ '.log': 15, '.idx': 15 })
})
