/** Tokens in a header, such as `Authorization: Bearer …`: asked of clients, and shown to servers. */
import { timingSafeEqual } from 'node:crypto'
import {
  CollectorError,
  secretDigest,
  sleep,
  type Context,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createWatchedFile, type WatchedFile } from '../../extension-helper/index.ts'
import { bearerTokenConfig, type BearerTokenConfig } from './config.ts'

const MISSING = 'The file with the tokens cannot be read yet. It is looked for again.'
/** Where no interval is set. Milliseconds. */
const LOOK_MS = 1000

export const bearerTokenAuthExtension: ExtensionFactory<BearerTokenConfig> = {
  kind: 'extension',
  type: 'bearertokenauth',
  config: bearerTokenConfig,
  provides: () => ['serverAuthenticator', 'clientAuthenticator'],
  create,
}

function create(context: Context, config: BearerTokenConfig): Extension {
  const { header, scheme, token, tokens, filename, retry_on_failure: retry } = config
  const name = header.toLowerCase()
  let values: readonly string[] = []
  let digests: readonly Buffer[] = []
  const use = (all: readonly string[]): void => {
    values = all.map((one) => (scheme === '' ? one : `${scheme} ${one}`))
    digests = values.map(secretDigest)
  }
  if (filename === undefined) use(token === '' ? tokens : [token])
  const file =
    filename === undefined ? undefined : createWatchedFile(context, 'filename', filename, (text) => use(linesOf(text)))
  const over = new AbortController()

  /** Until the file can be read. Throws what is wrong with it once it is given up. */
  async function lookFor(missing: WatchedFile): Promise<void> {
    for (let tries = 1; !over.signal.aborted; tries++) {
      try {
        return missing.start()
      } catch (error) {
        if (!retry.enabled || (retry.max_retries > 0 && tries > retry.max_retries)) throw error
        if (tries === 1) context.logger.warn({ component: context.id, error: (error as Error).message }, MISSING)
        await sleep(retry.interval || LOOK_MS, over.signal)
      }
    }
  }

  function giveUp({ message }: Error): void {
    context.logger.error({ component: context.id, error: message }, 'The file with the tokens is looked for no longer.')
    context.report('permanent_error', message)
  }

  function checkThere(): void {
    if (values.length === 0)
      throw new CollectorError('unavailable', `${context.id} has no token yet: ${filename} is missing`)
  }

  return {
    async start() {
      if (file) {
        const found = lookFor(file)
        if (!retry.enabled || config.wait_for_token_file) await found
        else found.catch(giveUp)
      }
      if (file && (token !== '' || tokens.length > 0)) {
        context.logger.warn({ component: context.id }, 'a filename is specified. Configured token(s) is ignored!')
      }
    },
    async shutdown() {
      over.abort()
      file?.stop()
    },
    serverAuthenticator: {
      challenge: scheme === '' ? 'Bearer' : scheme,
      authenticate(credentials) {
        checkThere()
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
    clientAuthenticator: {
      headers() {
        checkThere()
        return { [name]: values[0]! }
      },
    },
  }
}

function linesOf(text: string): readonly string[] {
  const lines = text.split('\n').map((line) => line.trim())
  const tokens = lines.filter((line) => line !== '')
  if (tokens.length === 0) throw new Error('filename: there is no token in it; write one on each line')
  return tokens
}
