/** Names and passwords in the `Authorization` header (RFC 7617): asked of clients, or shown to servers. */
import {
  CollectorError,
  type AuthData,
  type Context,
  type Credentials,
  type Extension,
  type ExtensionFactory,
} from '../../component/index.ts'
import { createWatchedFile, type WatchedFile } from '../../extension-helper/index.ts'
import { basicAuthConfig, type BasicAuthConfig } from './config.ts'
import { parseHtpasswd } from './htpasswd.ts'
import { createVerifier } from './verifier.ts'

export const basicAuthExtension: ExtensionFactory<BasicAuthConfig> = {
  kind: 'extension',
  type: 'basicauth',
  config: basicAuthConfig,
  provides: (config) => [config.htpasswd ? 'serverAuthenticator' : 'clientAuthenticator'],
  create: (context, { htpasswd, client_auth: client }) =>
    htpasswd ? createServer(context, htpasswd) : createClient(context, client!),
}

function createServer(context: Context, { file, inline }: NonNullable<BasicAuthConfig['htpasswd']>): Extension {
  const verifier = createVerifier()
  const use = (text: string): void =>
    verifier.use(new Map([...parse('htpasswd.file', text), ...parse('htpasswd.inline', inline)]))
  const watched = file === undefined ? undefined : createWatchedFile(context, 'htpasswd.file', file, use)
  return {
    async start() {
      if (watched) watched.start()
      else use('')
    },
    async shutdown() {
      watched?.stop()
      await verifier.close()
    },
    serverAuthenticator: {
      challenge: 'Basic realm="spoor", charset="UTF-8"',
      authenticate(credentials) {
        const { user, password, raw } = readCredentials(credentials)
        const matches = verifier.verify(user, password)
        const auth: AuthData = { subject: user, attributes: { username: user, raw } }
        return matches instanceof Promise ? matches.then((good) => check(good, auth)) : check(matches, auth)
      },
    },
  }
}

function parse(key: string, text: string): ReturnType<typeof parseHtpasswd> {
  try {
    return parseHtpasswd(text)
  } catch (error) {
    throw new CollectorError('config', `${key}: ${(error as Error).message}`, { cause: error })
  }
}

function check(good: boolean, auth: AuthData): AuthData {
  if (!good) throw new CollectorError('unauthenticated', 'invalid credentials')
  return auth
}

function readCredentials(credentials: Credentials): { user: string; password: string; raw: string } {
  const header = credentials('authorization') ?? ''
  if (header === '') throw new CollectorError('unauthenticated', 'no basic auth provided')
  if (!/^basic /i.test(header)) throw new CollectorError('unauthenticated', 'invalid authorization scheme prefix')
  const raw = header.slice('Basic '.length)
  const text = Buffer.from(raw, 'base64').toString()
  const colon = text.indexOf(':')
  if (colon < 0) throw new CollectorError('unauthenticated', 'invalid authorization format')
  return { user: text.slice(0, colon), password: text.slice(colon + 1), raw }
}

function createClient(context: Context, config: NonNullable<BasicAuthConfig['client_auth']>): Extension {
  const known = { username: config.username, password: config.password }
  const watch = (key: 'username' | 'password'): WatchedFile[] => {
    const file = config[`${key}_file`]
    if (file === undefined) return []
    return [createWatchedFile(context, `client_auth.${key}_file`, file, (text) => (known[key] = text.trim()))]
  }
  const files = [...watch('username'), ...watch('password')]
  return {
    async start() {
      for (const file of files) file.start()
    },
    async shutdown() {
      for (const file of files) file.stop()
    },
    clientAuthenticator: {
      headers: () => ({
        authorization: `Basic ${Buffer.from(`${known.username}:${known.password}`).toString('base64')}`,
      }),
    },
  }
}
