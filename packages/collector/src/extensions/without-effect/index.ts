/** Extensions that are read so that configurations which have them are taken as they are. They open no port; the log says so. */
import { z } from 'zod'
import { section, withoutEffect, type ExtensionFactory } from '../../component/index.ts'

const idle = { start: () => Promise.resolve(), shutdown: () => Promise.resolve() }

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
  create: () => ({ ...idle }),
}

export const zpagesExtension: ExtensionFactory<object> = {
  kind: 'extension',
  type: 'zpages',
  config: withoutEffect(
    section({ endpoint: z.string().optional(), expvar: z.unknown().optional() }),
    "it shows the collector's own spans, and this one makes none; look at the figures",
  ),
  create: () => ({ ...idle }),
}
