import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join, parse, resolve } from 'node:path'
import { SpoorError } from './error.ts'

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the file system is read only',
  ENOENT: 'the file system does not let files be made there',
  ENOTDIR: 'a part of the path is a file',
  EEXIST: 'there is something else of that name',
  ENAMETOOLONG: 'the path is too long for the file system',
  ELOOP: 'its symbolic links lead in a circle',
}
/** A disk without room can still be read, and what is deleted makes room again. */
const NO_ROOM = new Set(['ENOSPC', 'EDQUOT'])

/** Where spans are stored when nobody says so. */
export function defaultDataDirectory(env: NodeJS.ProcessEnv = process.env): string {
  if (env['SPOOR_DATA']) return resolve(env['SPOOR_DATA'])
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'spoor')
}

/**
 * Makes the data directory where it is missing, with those above it, and tries whether files can be made, synced and
 * renamed in it.
 *
 * Directories are made one by one: `mkdir` with `recursive` never ends on a file system that answers ENOENT for a
 * directory whose parent is there, as `/proc` does.
 *
 * @throws SpoorError `data`, with the reason in words and the way out
 */
export async function prepareDataDirectory(directory: string): Promise<void> {
  try {
    for (const path of await missing(directory)) await makeDirectory(path)
    if (!(await stat(directory)).isDirectory()) throw new SpoorError('data', '')
  } catch (error) {
    if (error instanceof SpoorError) throw unusable(directory, 'it is not a directory', error)
    throw unusable(directory, wordsOf(error), error)
  }
  try {
    await tryWriting(directory)
  } catch (error) {
    if (!NO_ROOM.has(codeOf(error))) throw unusable(directory, wordsOf(error), error)
  }
}

function unusable(directory: string, reason: string, cause: unknown): SpoorError {
  const shown = directory.length > 200 ? `${directory.slice(0, 200)}…` : directory
  return new SpoorError(
    'data',
    `the data directory ${shown} cannot be used: ${reason}; choose another with --data DIR`,
    {
      cause,
    },
  )
}

const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? ''

function wordsOf(error: unknown): string {
  const code = codeOf(error)
  return WORDS[code] ? `${WORDS[code]} (${code})` : (error as Error).message
}

/** The directory and those above it that are not there, uppermost first. */
async function missing(directory: string): Promise<string[]> {
  const paths: string[] = []
  const { root } = parse(directory)
  for (let path = directory; path !== root; path = dirname(path)) {
    try {
      await stat(path)
      break
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error
      paths.unshift(path)
    }
  }
  return paths
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    // Another process may have made it meanwhile.
    if (codeOf(error) !== 'EEXIST') throw error
  }
}

async function tryWriting(directory: string): Promise<void> {
  const made = join(directory, `.try-${randomUUID()}`)
  const renamed = `${made}-renamed`
  try {
    const file = await open(made, 'w')
    try {
      await file.writeFile('x')
      await file.datasync()
    } finally {
      await file.close()
    }
    await rename(made, renamed)
  } finally {
    await rm(made, { force: true })
    await rm(renamed, { force: true })
  }
}
