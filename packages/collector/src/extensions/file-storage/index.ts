/** Keeps what must outlive the process in files of a directory; keys and defaults as in the OpenTelemetry Collector's `file_storage`. */
import { accessSync, constants, mkdirSync, statSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { CollectorError, durationMs, section, withoutEffect, type ExtensionFactory } from '../../component/index.ts'

const COMPACTION = 'files become smaller by themselves when what is in them has gone'

const config = section({
  directory: z
    .string()
    .min(1)
    .default('/var/lib/otelcol/file_storage')
    .describe('Made at the start, where it is missing.'),
  create_directory: z.boolean().default(true),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, { message: 'not permissions; write them in octal, as "0750"' })
    .default('0750'),
  fsync: z
    .boolean()
    .default(false)
    .describe(
      'Whether what is written must be on the disk before it counts as kept: it then survives a loss of power, too.',
    ),
  max_size: z
    .int()
    .min(0)
    .default(0)
    .describe(
      'Bytes that a file may have: whoever would need more (a queue, tail sampling) refuses for now. 0: as many as the disk has.',
    ),
  timeout: withoutEffect(durationMs.optional(), 'a file that another process has is an error at once'),
  compaction: withoutEffect(z.unknown().optional(), COMPACTION),
  recreate: withoutEffect(z.unknown().optional(), 'a damaged file is always set aside, and told'),
})

export type FileStorageConfig = z.infer<typeof config>

export const fileStorageExtension: ExtensionFactory<FileStorageConfig> = {
  kind: 'extension',
  type: 'file_storage',
  config,
  provides: () => ['storage'],
  create(
    _context,
    { directory, create_directory: isMade, directory_permissions: permissions, fsync, max_size: maxBytes },
  ) {
    const path = resolve(directory)
    return {
      claims: [`directory ${path}`],
      storage: { fsync, maxBytes: maxBytes || undefined, fileOf: (owner) => join(path, `${fileName(owner)}.sqlite`) },
      async start() {
        try {
          if (isMade) makeDirectory(path, Number.parseInt(permissions, 8))
          if (!statSync(path).isDirectory()) throw new Error('it is not a directory')
          accessSync(path, constants.W_OK)
        } catch (error) {
          const message = `cannot keep anything in the directory ${path}: ${(error as Error).message}`
          throw new CollectorError('config', message, { cause: error })
        }
      },
      shutdown: async () => {},
    }
  },
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
