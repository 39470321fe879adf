/** The config of the `pprof` extension; keys as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { listenEndpoint, section, withoutEffect } from '../../component/index.ts'

const NOBODY_WAITS = 'JavaScript has one thread, in which nothing waits for a lock'

export const pprofConfig = section({
  endpoint: listenEndpoint
    .default('localhost:1777')
    .describe(
      "Where profiles are served, in V8's own form: `/debug/pprof/profile?seconds=30` (CPU, `.cpuprofile`) and `/debug/pprof/heap` (`.heapprofile`). Chrome's developer tools and speedscope read them; `go tool pprof` does not.",
    ),
  dialer: withoutEffect(z.unknown().optional(), 'it listens, and calls nobody'),
  block_profile_fraction: withoutEffect(z.number().optional(), NOBODY_WAITS),
  mutex_profile_fraction: withoutEffect(z.number().optional(), NOBODY_WAITS),
  save_to_file: z
    .string()
    .default('')
    .describe(
      'A file that gets a CPU profile (`.cpuprofile`) from the start until the stop, of the first hour at most. While it is taken there is no other one. Empty: none.',
    ),
})

export type PprofConfig = z.infer<typeof pprofConfig>
