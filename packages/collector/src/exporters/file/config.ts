/** The config of the `file` exporter; keys and defaults as in the OpenTelemetry Collector's fileexporter. */
import { z } from 'zod'
import { count, durationMs, section, withoutEffect } from '../../component/index.ts'

const rotation = section({
  max_megabytes: count
    .default(100)
    .describe('Size in MiB beyond which a file is put aside and a new one begun. 0: 100.'),
  max_days: count.default(0).describe('Days after which a file that was put aside is deleted. 0: never.'),
  max_backups: count.default(100).describe('How many of them are kept. 0: all.'),
  localtime: z.boolean().default(false).describe('Whether the time in their names is local time and not UTC.'),
})

const groupBy = section({
  enabled: z.boolean().default(false),
  resource_attribute: z
    .string()
    .min(1, { message: 'resource_attribute must not be empty; name the attribute that the path is made of' })
    .default('fileexporter.path_segment')
    .describe(
      'The text of this attribute of the resource stands for `*` in `path`. Data without it is dropped, and counted.',
    ),
  max_open_files: z.int().min(1, { message: 'max_open_files must be larger than zero' }).default(100),
})

export const fileConfig = section({
  path: z
    .string({ error: 'path must be non-empty' })
    .min(1, { message: 'path must be non-empty' })
    .describe('The file, relative to the working directory. With `group_by`, one `*` in it stands for the attribute.'),
  format: z
    .enum(['json', 'proto'])
    .default('json')
    .describe(
      '`json`: an OTLP/JSON object a line. `proto`: serialized messages, each after its length as four bytes, the highest first.',
    ),
  append: z.boolean().default(false).describe('Whether what is in the file stays; else it is emptied at the start.'),
  compression: z
    .enum(['', 'zstd'], { error: 'compression is not supported; use zstd, or leave it out' })
    .default('')
    .describe('`zstd` compresses each message by itself; each is then preceded by its length, as with `proto`.'),
  compression_params: section({
    level: z.int().min(1).max(22).default(3).describe('1 (fast) to 22 (small).'),
  }).prefault({}),
  rotation: rotation.optional().describe('Off unless it is written. What is in the file then stays at the start.'),
  group_by: groupBy.prefault({}),
  create_directory: z.boolean().default(false).describe('Whether a missing directory is made at the start.'),
  directory_permissions: z
    .string()
    .regex(/^0?[0-7]{3}$/, { message: 'not permissions; write them in octal, as "0755"' })
    .default('0755'),
  flush_interval: withoutEffect(
    durationMs
      .optional()
      .refine((ms) => ms === undefined || ms > 0, { message: 'flush_interval must be larger than zero' }),
    'a batch is answered for only when it is written',
  ),
  encoding: z
    .undefined({ error: 'encoding extensions are not supported; use format: json or format: proto' })
    .optional(),
})
  .refine(({ append, compression }) => !append || compression === '', {
    message: 'append and compression enabled at the same time is not supported',
    path: ['append'],
  })
  .refine(({ append, rotation }) => !append || !rotation, {
    message: 'append and rotation enabled at the same time is not supported; with rotation what is in the file stays',
    path: ['append'],
  })
  .refine(({ group_by: { enabled }, path }) => !enabled || path.split('*').length === 2, {
    message: 'path must contain exactly one * when group_by is enabled',
    path: ['path'],
  })
  .refine(({ group_by: { enabled }, path }) => !enabled || !path.startsWith('*'), {
    message: 'path must not start with * when group_by is enabled',
    path: ['path'],
  })
  .refine(({ group_by: { enabled }, rotation }) => !enabled || !rotation, {
    message: 'rotation does not work together with group_by; leave one of them out',
    path: ['rotation'],
  })

export type FileConfig = z.infer<typeof fileConfig>
export type RotationConfig = z.infer<typeof rotation>
