/** Read so that configurations which have it are taken as they are. It opens no port; the log says so. */
import { z } from 'zod'
import { section, withoutEffect, type ExtensionFactory } from '../../component/index.ts'

export const pprofExtension: ExtensionFactory<object> = {
  kind: 'extension',
  type: 'pprof',
  config: withoutEffect(
    section({
      endpoint: z.string().optional(),
      dialer: z.unknown().optional(),
      block_profile_fraction: z.number().optional(),
      mutex_profile_fraction: z.number().optional(),
      save_to_file: z.string().optional(),
    }),
    "it serves profiles of Go's runtime; use node --cpu-prof or --inspect",
  ),
  create: () => ({ start: () => Promise.resolve(), shutdown: () => Promise.resolve() }),
}
