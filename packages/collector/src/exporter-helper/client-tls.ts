/**
 * TLS of a client; keys as in the OpenTelemetry Collector's configtls. Files are PEM and are read when the exporter
 * starts.
 */
import { z } from 'zod'
import { readConfigFile, section } from '../component/index.ts'

export const clientTls = section({
  insecure: z.boolean().default(false).describe('Plain text, no TLS at all.'),
  insecure_skip_verify: z.boolean().default(false).describe("TLS without looking at the server's certificate."),
  ca_file: z.string().optional(),
  cert_file: z.string().optional(),
  key_file: z.string().optional(),
  server_name_override: z
    .string()
    .optional()
    .describe("The name that the server's certificate must have, where it is not the endpoint's host."),
})

export type ClientTls = z.infer<typeof clientTls>

/** Options that node:tls, node:http2 and undici take. */
export interface TlsClientOptions {
  rejectUnauthorized: boolean
  ca?: Buffer
  cert?: Buffer
  key?: Buffer
  servername?: string
}

/** Node's options for it. Throws an Error that names the key of a file that cannot be read. */
export function tlsClientOptions(config: ClientTls): TlsClientOptions {
  const options: TlsClientOptions = { rejectUnauthorized: !config.insecure_skip_verify }
  if (config.ca_file !== undefined) options.ca = readConfigFile('tls.ca_file', config.ca_file)
  if (config.cert_file !== undefined) options.cert = readConfigFile('tls.cert_file', config.cert_file)
  if (config.key_file !== undefined) options.key = readConfigFile('tls.key_file', config.key_file)
  if (config.server_name_override !== undefined) options.servername = config.server_name_override
  return options
}
