import { expect, test } from 'vitest'
import { createTestContext } from '../../testkit/index.ts'
import { fileStorageExtension } from './index.ts'

test.each([
  [{}, undefined],
  [{ max_size: 0 }, undefined],
  [{ max_size: 10_000_000 }, 10_000_000],
])('what a file may have, with %o', (input, expected) => {
  const config = fileStorageExtension.config.safeParse(input)
  if (!config.success) throw new Error('not valid')
  const { storage } = fileStorageExtension.create(createTestContext('file_storage'), config.data)
  expect(storage?.maxBytes).toBe(expected)
})
