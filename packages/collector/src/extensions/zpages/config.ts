/** The config of the `zpages` extension; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { listenEndpoint, section } from '../../component/index.ts'

export const zpagesConfig = section({
  endpoint: listenEndpoint.default('localhost:55679'),
  expvar: section({
    enabled: z.boolean().default(false).describe('Serves memory and all figures as JSON at `/debug/expvarz`.'),
  }).prefault({}),
})

export type ZpagesConfig = z.infer<typeof zpagesConfig>
