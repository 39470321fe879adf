/** The config of the `otlp_http` exporter; keys and defaults as in the OpenTelemetry Collector's otlphttpexporter. */
import { z } from 'zod'
import { section, withoutEffect } from '../../component/index.ts'
import { checkLevel, exporterHelperKeys, httpClientKeys, httpUrl } from '../../exporter-helper/index.ts'

export const otlpHttpConfig = section({
  endpoint: httpUrl
    .optional()
    .describe('`http://host:port` or `https://host:port`; `/v1/traces` and so on are added to it.'),
  traces_endpoint: httpUrl.optional().describe('The whole URL for one signal, instead of `endpoint`.'),
  metrics_endpoint: httpUrl.optional(),
  logs_endpoint: httpUrl.optional(),
  profiles_endpoint: withoutEffect(z.string().optional(), 'profiles are not exported'),
  encoding: z.enum(['proto', 'json']).default('proto'),
  ...httpClientKeys({ timeout: '30s', compression: 'gzip' }),
  ...exporterHelperKeys,
})
  .refine(
    (config) =>
      [config.endpoint, config.traces_endpoint, config.metrics_endpoint, config.logs_endpoint].some(
        (value) => value !== undefined,
      ),
    { message: 'requires an endpoint; write endpoint: http://host:4318, or traces_endpoint with the whole URL' },
  )
  .superRefine(checkLevel)

export type OtlpHttpConfig = z.infer<typeof otlpHttpConfig>
