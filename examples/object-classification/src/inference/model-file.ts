import { readdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'

/** A model as a file, and what its name tells of it. */
export interface ModelFile {
  readonly file: string
  readonly name: string
  readonly version?: string
}

/**
 * Finds the model: a file, or a folder with one, as an image of a container has it. A file of the example's cache is
 * called `NAME-VERSION-CONVERSION.onnx`.
 *
 * @throws When the folder has none, or several.
 */
export async function findModel(path: string): Promise<ModelFile> {
  const found = await stat(path).catch(() => undefined)
  if (!found?.isDirectory()) return { file: path, name: basename(path, '.onnx') }
  const files = (await readdir(path)).filter((name) => name.endsWith('.onnx'))
  const [file] = files
  if (file === undefined || files.length > 1)
    throw new Error(`--model ${path}: ${files.length} models (.onnx) are in this folder; name the file`)
  const [, name = basename(file, '.onnx'), version] = /^(.+)-([\d.]+)-\d+\.onnx$/.exec(file) ?? []
  return { file: join(path, file), name, ...(version !== undefined && { version }) }
}
