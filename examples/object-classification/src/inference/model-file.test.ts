import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { findModel } from './model-file.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spoor-model-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

it('is the file that is named', async () => {
  const file = join(folder, 'own.onnx')
  await writeFile(file, '')
  expect(await findModel(file)).toEqual({ file, name: 'own' })
})

it('is the one in a folder, with name and version', async () => {
  await writeFile(join(folder, 'mobilenet_v1-1.0.4-1.onnx'), '')
  await writeFile(join(folder, 'labels.json'), '[]')
  const file = join(folder, 'mobilenet_v1-1.0.4-1.onnx')
  expect(await findModel(folder)).toEqual({ file, name: 'mobilenet_v1', version: '1.0.4' })
  await writeFile(join(folder, 'other.onnx'), '')
  await expect(findModel(folder)).rejects.toThrow(`--model ${folder}: 2 models (.onnx) are in this folder`)
})
