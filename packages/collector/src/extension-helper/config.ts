/** The config section of an extension's HTTP server: the keys are those of the OpenTelemetry Collector's confighttp, most of which are for servers that are sent something. */
import { z } from 'zod'
import { listenEndpoint, middlewares, withoutEffect } from '../component/index.ts'
import { serverTls } from '../receiver-helper/index.ts'

const PAGES = 'it only answers GET, with a little text'
const none = () => withoutEffect(z.unknown().optional(), PAGES)

/** `endpoint`: where it listens by default. */
export const httpEndpointKeys = (endpoint: string) => ({
  endpoint: listenEndpoint.default(endpoint),
  transport: z.enum(['tcp', 'tcp4', 'tcp6']).default('tcp'),
  tls: serverTls.optional(),
  // To let in everybody where somebody is to be kept out would be no help.
  auth: z
    .unknown()
    .optional()
    .refine((auth) => auth === undefined || auth === null, {
      message:
        'nobody is asked who they are here; remove it and listen on localhost, or ask for certificates with tls.client_ca_file',
    }),
  middlewares,
  cors: withoutEffect(z.unknown().optional(), 'no page of another origin may read it'),
  max_request_body_size: none(),
  include_metadata: none(),
  response_headers: none(),
  compression_algorithms: none(),
  read_timeout: none(),
  read_header_timeout: none(),
  write_timeout: none(),
  idle_timeout: none(),
  keep_alives_enabled: none(),
  keepalive: none(),
})
