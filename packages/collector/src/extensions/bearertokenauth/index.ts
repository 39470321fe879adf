/** Tokens in a header, such as `Authorization: Bearer …`: asked of clients, and shown to servers. */
import { timingSafeEqual } from 'node:crypto'
import {
  CollectorError,
  secretDigest,
  type Context,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createWatchedFile } from '../../extension-helper/index.ts'
import { bearerTokenConfig, type BearerTokenConfig } from './config.ts'

export const bearerTokenAuthExtension: ExtensionFactory<BearerTokenConfig> = {
  kind: 'extension',
  type: 'bearertokenauth',
  config: bearerTokenConfig,
  provides: () => ['serverAuthenticator', 'clientAuthenticator'],
  create,
}

function create(context: Context, { header, scheme, token, tokens, filename }: BearerTokenConfig): Extension {
  const name = header.toLowerCase()
  let values: readonly string[] = []
  let digests: readonly Buffer[] = []
  const use = (all: readonly string[]): void => {
    values = all.map((one) => (scheme === '' ? one : `${scheme} ${one}`))
    digests = values.map(secretDigest)
  }
  use(token === '' ? tokens : [token])
  const file =
    filename === undefined ? undefined : createWatchedFile(context, 'filename', filename, (text) => use(linesOf(text)))
  return {
    async start() {
      file?.start()
      if (file && (token !== '' || tokens.length > 0)) {
        context.logger.warn({ component: context.id }, 'a filename is specified. Configured token(s) is ignored!')
      }
    },
    async shutdown() {
      file?.stop()
    },
    serverAuthenticator: {
      challenge: scheme === '' ? 'Bearer' : scheme,
      authenticate(credentials) {
        const value = credentials(name)
        if (value === undefined || value === '') {
          throw new CollectorError('unauthenticated', `missing or empty header: ${header}`)
        }
        // Each is compared, so that the time tells nothing.
        const digest = secretDigest(value)
        const matches = digests.filter((one) => timingSafeEqual(one, digest)).length
        if (matches === 0) {
          throw new CollectorError('unauthenticated', 'provided authorization does not match expected scheme or token')
        }
        return { subject: '', attributes: { raw: value } }
      },
    },
    clientAuthenticator: { headers: () => ({ [name]: values[0]! }) },
  }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim())
  const tokens = lines.filter((line) => line !== '')
  if (tokens.length === 0) throw new Error('filename: there is no token in it; write one on each line')
  return tokens
}
