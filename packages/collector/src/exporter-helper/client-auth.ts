import type { z } from 'zod'
import { extensionId, extensionOf, section, type ClientAuthenticator, type Host } from '../component/index.ts'

/** Who the collector is at a server. */
export const clientAuth = section({
  authenticator: extensionId('clientAuthenticator').describe(
    'The id of an extension that says who the collector is, as `basicauth` or `bearertokenauth`.',
  ),
})

const NOBODY: ClientAuthenticator = { headers: () => ({}) }

/** Once the exporter starts. */
export function clientAuthenticator(host: Host, config: z.infer<typeof clientAuth> | undefined): ClientAuthenticator {
  return config ? extensionOf(host, config.authenticator, 'clientAuthenticator') : NOBODY
}
