import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Storage } from './component.ts'

export interface FolderStorageOptions {
  /** As {@link Storage.fsync}. Default: false. */
  readonly fsync?: boolean
  readonly maxBytes?: number | undefined
}

/** The folder of an owner within another one. */
export function ownFolder(folder: string, owner: string): string {
  const path = join(folder, fileName(owner))
  prepareFolder(path, 0o750)
  return path
}

/** Files of a folder, one for each owner. The folder is made by {@link prepareFolder}. */
export function folderStorage(folder: string, { fsync = false, maxBytes }: FolderStorageOptions = {}): Storage {
  return { fsync, maxBytes, fileOf: (owner) => join(folder, `${fileName(owner)}.sqlite`) }
}

/** Makes the folder where it is missing and `mode`, its permissions, is given. Throws an Error where nothing can be kept there. */
export function prepareFolder(folder: string, mode: number | undefined): void {
  if (mode !== undefined) makeDirectory(folder, mode)
  if (!statSync(folder).isDirectory()) throw new Error('it is not a directory')
  accessSync(folder, constants.W_OK)
}

/** One level at a time: asked for all at once, Node never returns on a file system such as /proc that makes no directories. */
function makeDirectory(path: string, mode: number): void {
  try {
    mkdirSync(path, mode)
  } catch (error) {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) return
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || dirname(path) === path) throw error
    if (statSync(dirname(path), { throwIfNoEntry: false })) throw error
    makeDirectory(dirname(path), mode)
    mkdirSync(path, mode)
  }
}

/** One for each owner: letters and digits as they are, the rest in hex. */
function fileName(owner: string): string {
  return owner.replaceAll(/[^a-zA-Z0-9_-]/gu, (character) =>
    character === ' ' ? '.' : `~${character.codePointAt(0)!.toString(16)}`,
  )
}
