/** The config of the `zpages` extension; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { section } from '../../component/index.ts'
import { httpEndpointKeys } from '../../extension-helper/index.ts'

export const zpagesConfig = section({
  ...httpEndpointKeys('localhost:55679'),
  expvar: section({
    enabled: z.boolean().default(false).describe('Serves memory and all figures as JSON at `/debug/expvarz`.'),
  }).prefault({}),
})

export type ZpagesConfig = z.infer<typeof zpagesConfig>
