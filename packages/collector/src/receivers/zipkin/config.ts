/** The config of the `zipkin` receiver; keys and defaults as in the OpenTelemetry Collector's zipkinreceiver. */
import { z } from 'zod'
import { section } from '../../component/index.ts'
import { checkEndpoint, checkKeepalive, httpServerKeys } from '../../receiver-helper/index.ts'

export const zipkinReceiverConfig = section({
  ...httpServerKeys('localhost:9411'),
  parse_string_tags: z
    .boolean()
    .default(false)
    .describe('Whether tags that look like whole numbers, numbers with a point, `true` or `false` become such.'),
})
  .superRefine(checkEndpoint)
  .superRefine(checkKeepalive)

export type ZipkinReceiverConfig = z.infer<typeof zipkinReceiverConfig>
