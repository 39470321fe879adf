/** The config of the `otlp_json_file` receiver; keys and defaults as in the OpenTelemetry Collector's otlpjsonfilereceiver. */
import { z } from 'zod'
import { durationMs, extensionId, section, withoutEffect } from '../../component/index.ts'

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
}
const DEFAULT_MAX_LINE = '64MiB'

/** A number of bytes, or a text like `10MiB`. */
const byteSize = z.union([z.int(), z.string()]).transform((input, context): number => {
  const found = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(String(input))
  const unit = UNITS[found?.[2]?.toLowerCase() ?? '?']
  const bytes = unit === undefined ? 0 : Math.floor(Number(found![1]) * unit)
  if (bytes > 0) return bytes
  context.addIssue({ code: 'custom', message: `${JSON.stringify(input)}: not a size; write it like 10MiB` })
  return z.NEVER
})

const patterns = z.array(z.string().min(1))
const ATTRIBUTES = 'what is in the file says itself where it is from'
const attribute = withoutEffect(z.boolean().optional(), ATTRIBUTES)

export const otlpJsonFileConfig = section({
  include: patterns
    .min(1, { message: "required argument `include` is empty; name a file, or a pattern like '/var/log/*.json'" })
    .describe('Files to read, as patterns: `*`, `?`, `[…]`, `{a,b}`, and `**` for any number of directories.'),
  exclude: patterns.default([]).describe('Patterns of files that are not read although `include` has them.'),
  exclude_older_than: durationMs.optional().describe('Files that were not written for so long are not read.'),
  start_at: z
    .enum(['beginning', 'end'], {
      error: ({ input }) => `invalid start_at location ${JSON.stringify(input)}; use beginning or end`,
    })
    .default('end')
    .describe(
      'Where files are begun that are there at the start, and of which nothing is kept. A file that comes later is read from its beginning.',
    ),
  poll_interval: durationMs.prefault('200ms').describe('How often new lines and files are looked for.'),
  replay_file: z
    .boolean()
    .default(false)
    .describe('Read every file from its beginning again and again, at each `poll_interval`.'),
  storage: extensionId('storage')
    .optional()
    .describe(
      'The id of an extension that keeps how far each file was read, as `file_storage`: after the next start it goes on there.',
    ),
  max_log_size: byteSize
    .prefault(DEFAULT_MAX_LINE)
    .describe(
      'Longest line that is read, in bytes; a longer one is told and skipped. otelcol has 1MiB, which its own file exporter passes.',
    ),
  force_flush_period: durationMs.prefault('500ms').describe('How long a last line without its end is waited for.'),
  encoding: z.enum(['utf-8', 'utf8'], { error: 'only utf-8 is read' }).default('utf-8'),
  compression: z.enum([''], { error: 'compressed files are not read; leave compression out' }).default(''),
  delete_after_read: z.literal(false, { error: 'delete_after_read is not supported; leave it out' }).default(false),
  fingerprint_size: withoutEffect(
    z.union([z.int(), z.string()]).optional(),
    'a file is known by its inode, and after a restart by its first 1000 bytes',
  ),
  max_concurrent_files: withoutEffect(z.int().min(2).optional(), 'one file is read at a time'),
  max_batches: withoutEffect(z.int().min(0).optional(), 'one file is read at a time'),
  polls_to_archive: withoutEffect(
    z.int().min(0).optional(),
    'a file that is gone is forgotten, and known again by its first 1000 bytes',
  ),
  include_file_name: attribute,
  include_file_path: attribute,
  include_file_name_resolved: attribute,
  include_file_path_resolved: attribute,
  include_file_owner_name: attribute,
  include_file_owner_group_name: attribute,
  include_file_record_number: attribute,
  include_file_record_offset: attribute,
})

export type OtlpJsonFileConfig = z.infer<typeof otlpJsonFileConfig>
