/** Keeps what must outlive the process in files of a directory; keys and defaults as in the OpenTelemetry Collector's `file_storage`. */
import { resolve } from 'node:path'
import { z } from 'zod'
import {
  CollectorError,
  durationMs,
  folderStorage,
  prepareFolder,
  section,
  withoutEffect,
  type ExtensionFactory,
} from '../../component/index.ts'

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
      storage: folderStorage(path, { fsync, maxBytes: maxBytes || undefined }),
      async start() {
        try {
          prepareFolder(path, isMade ? Number.parseInt(permissions, 8) : undefined)
        } catch (error) {
          const message = `cannot keep anything in the directory ${path}: ${(error as Error).message}`
          throw new CollectorError('config', message, { cause: error })
        }
      },
      shutdown: async () => {},
    }
  },
}
