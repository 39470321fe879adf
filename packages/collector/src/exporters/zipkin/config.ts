/** The config of the `zipkin` exporter; keys and defaults as in the OpenTelemetry Collector's zipkinexporter. */
import { z } from 'zod'
import { section } from '../../component/index.ts'
import { checkLevel, exporterHelperKeys, httpClientKeys, httpUrl } from '../../exporter-helper/index.ts'

export const zipkinExporterConfig = section({
  endpoint: httpUrl.describe('The whole URL, as `http://zipkin:9411/api/v2/spans`.'),
  format: z.enum(['json', 'proto']).default('json'),
  default_service_name: z
    .string()
    .optional()
    .describe(
      'What a service is called that has no name. Default: `OTLPResourceNoServiceName`, which is what the OpenTelemetry Collector calls it, whatever this key says there.',
    ),
  ...httpClientKeys({ timeout: '5s', compression: 'none' }),
  ...exporterHelperKeys,
}).superRefine(checkLevel)

export type ZipkinExporterConfig = z.infer<typeof zipkinExporterConfig>
