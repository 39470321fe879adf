import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { prepareDataDirectory } from './data-directory.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'spoor-data-'))
  writeFileSync(join(root, 'file'), '')
  symlinkSync('circle', join(root, 'circle'))
  execFileSync('mkfifo', [join(root, 'fifo')])
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('makes what is missing, and leaves nothing in it', async () => {
  const directory = join(root, 'a', 'b', 'c')
  await prepareDataDirectory(directory)
  await prepareDataDirectory(directory)
  expect(readdirSync(directory)).toEqual([])
})

it.each<[string, string, string]>([
  ['file', 'it is not a directory', ''],
  ['fifo', 'it is not a directory', ''],
  ['file/below', 'a part of the path is a file (ENOTDIR)', ''],
  ['circle/below', 'lead in a circle (ELOOP)', ''],
  ['x'.repeat(300), 'the path is too long for the file system (ENAMETOOLONG)', ''],
  [`${'y/'.repeat(2200)}z`, 'the path is too long for the file system (ENAMETOOLONG)', ''],
  ['/proc/spoor', 'does not let files be made there (ENOENT)', 'linux'],
  ['/proc/self/fd/spoor/data', 'does not let files be made there (ENOENT)', 'linux'],
  ['/proc', 'cannot be used', 'linux'],
  ['/sys/kernel', 'cannot be used', 'linux'],
])('says at once why %.30s is no data directory, and what to do', async (path, reason, platform) => {
  if (platform !== '' && process.platform !== platform) return
  const directory = path.startsWith('/') ? path : join(root, path)
  const failed = prepareDataDirectory(directory)
  await expect(failed).rejects.toMatchObject({ code: 'data', message: expect.stringContaining(reason) as string })
  await expect(failed).rejects.toThrow(/^the data directory .* cannot be used: .*; choose another with --data DIR$/)
})

it.skipIf(process.getuid?.() === 0)('says that it may not be written', async () => {
  const directory = join(root, 'locked')
  mkdirSync(directory, { mode: 0o500 })
  await expect(prepareDataDirectory(directory)).rejects.toThrow('this user may not write there (EACCES)')
})
