/**
 * TLS of a client; keys as in the OpenTelemetry Collector's configtls. Files are PEM and are read when the exporter
 * starts, and anew when they have changed.
 */
import tls from 'node:tls'
import { z } from 'zod'
import {
  CollectorError,
  createTlsFiles,
  section,
  textOf,
  tlsKeys,
  tlsOptions,
  tlsProblem,
  type Context,
  type TlsFiles,
} from '../component/index.ts'

export const clientTls = section({
  insecure: z.boolean().default(false).describe('Plain text, no TLS at all.'),
  insecure_skip_verify: z.boolean().default(false).describe("TLS without looking at the server's certificate."),
  ca_file: z.string().optional().describe('Who has signed the certificates of servers. Default: whom Node trusts.'),
  ca_pem: z.string().optional().describe('The same itself, instead of its file.'),
  include_system_ca_certs_pool: z
    .boolean()
    .default(false)
    .describe('Whether whom Node and the system trust is good as well where there is a `ca_file`.'),
  ...tlsKeys,
  server_name_override: z
    .string()
    .optional()
    .describe("The name that the server's certificate must have, where it is not the endpoint's host."),
}).superRefine((config, context) => {
  const problem = tlsProblem(config)
  if (problem) context.addIssue({ code: 'custom', message: problem.message, path: [problem.key] })
  if (config.ca_file !== undefined && config.ca_pem !== undefined) {
    context.addIssue({ code: 'custom', message: 'provide either ca_file or ca_pem, but not both', path: ['ca_pem'] })
  }
  const has = (what: 'cert' | 'key'): boolean => (config[`${what}_file`] ?? config[`${what}_pem`]) !== undefined
  if (has('cert') === has('key')) return
  const message = 'provide both certificate and key, or neither; they are for servers that ask for them'
  context.addIssue({ code: 'custom', message, path: [has('cert') ? 'cert_file' : 'key_file'] })
})

export type ClientTls = z.infer<typeof clientTls>

/** Options that node:tls, node:http2 and undici take. */
export type TlsClientOptions = Pick<tls.ConnectionOptions, 'rejectUnauthorized' | 'servername'> &
  tls.SecureContextOptions

/**
 * Node's options, for the next connection, with the files as they were when they were last looked at. Throws `config` with the key of a file that
 * cannot be read. `renew`: is told that connections are to be opened anew.
 */
export function openClientTls(
  { id, logger }: Context,
  config: ClientTls,
  renew: () => void,
  kind: 'exporters' | 'receivers' = 'exporters',
): TlsFiles<TlsClientOptions> {
  try {
    return createTlsFiles(() => optionsOf(config), config.reload_interval, {
      changed(options) {
        tls.createSecureContext(options)
        // The options are in their place by then.
        queueMicrotask(renew)
        logger.info({ component: id }, 'A certificate or key has changed, and holds for connections from now on.')
      },
      failed(error) {
        const message = 'A certificate or key has changed and cannot be used. What was read before goes on to hold.'
        logger.warn({ component: id, error: error.message }, message)
      },
    })
  } catch (error) {
    throw new CollectorError('config', `${kind}.${id}.${(error as Error).message}`, { cause: error })
  }
}

function optionsOf(config: ClientTls): TlsClientOptions {
  const ca = textOf(config, 'ca')
  const others = config.include_system_ca_certs_pool
    ? [...tls.getCACertificates('default'), ...tls.getCACertificates('system')]
    : []
  return {
    ...tlsOptions(config),
    rejectUnauthorized: !config.insecure_skip_verify,
    ...(ca === undefined ? {} : { ca: [ca, ...others] }),
    ...(config.server_name_override === undefined ? {} : { servername: config.server_name_override }),
  }
}
