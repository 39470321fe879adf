/**
 * The lines of a file of Apache's htpasswd: `user:hash`. Which forms there are, and in which order they are tried, is that of the library that the
 * OpenTelemetry Collector uses. Source: httpd.apache.org, "Password Formats".
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isSameSecret } from '../../component/index.ts'

/** How a user's password is kept. The slow ones are made to be slow to guess, and take milliseconds or more to compare. */
export type Secret =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'sha1'; readonly digest: Buffer; readonly salt: Buffer }
  | { readonly kind: 'md5'; readonly magic: string; readonly salt: string; readonly text: string }
  | { readonly kind: 'bcrypt'; readonly text: string }

/** More rounds take the better part of a minute for one comparison. */
const MAX_BCRYPT_COST = 16
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/
const MD5 = /^(\$apr1\$|\$1\$)([^$]{0,8})\$[./A-Za-z0-9]{22}$/
const SHA1_BYTES = 20

/** Throws an Error that names the line where one cannot be read. A later line of the same user is the one that holds. */
export function parseHtpasswd(text: string): ReadonlyMap<string, Secret> {
  const users = new Map<string, Secret>()
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim()
    if (line === '' || line.startsWith('#')) continue
    const colon = line.indexOf(':')
    if (colon < 1) throw new Error(`line ${index + 1}: not user:hash`)
    try {
      users.set(line.slice(0, colon), parseSecret(line.slice(colon + 1)))
    } catch (error) {
      throw new Error(`line ${index + 1}: ${(error as Error).message}`, { cause: error })
    }
  }
  return users
}

function parseSecret(text: string): Secret {
  if (/^\$2.?\$/.test(text)) {
    const cost = Number(BCRYPT.exec(text)?.[1])
    if (Number.isNaN(cost)) throw new Error('not a valid hash of bcrypt')
    if (cost > MAX_BCRYPT_COST) {
      throw new Error(`bcrypt with a cost of ${cost} takes too long; make it anew with htpasswd -B -C 10`)
    }
    return { kind: 'bcrypt', text }
  }
  if (/^\$(apr1|1)\$/.test(text)) {
    const [, magic, salt] = MD5.exec(text) ?? []
    if (magic === undefined || salt === undefined) throw new Error('not a valid hash of MD5 ($apr1$)')
    return { kind: 'md5', magic, salt, text }
  }
  if (text.startsWith('{SHA}') || text.startsWith('{SSHA}')) {
    const bytes = Buffer.from(text.slice(text.indexOf('}') + 1), 'base64')
    if (bytes.length < SHA1_BYTES || (text.startsWith('{SHA}') && bytes.length > SHA1_BYTES)) {
      throw new Error('not a valid hash of SHA1')
    }
    return { kind: 'sha1', digest: bytes.subarray(0, SHA1_BYTES), salt: bytes.subarray(SHA1_BYTES) }
  }
  // Taken for plain text, the hash itself would be the password.
  if (/^\$[56]\$/.test(text)) {
    throw new Error('a hash of crypt with SHA-2 is not supported; make it anew with htpasswd -B')
  }
  return { kind: 'plain', text }
}

/** Whether it takes so long that it must not be compared on the main thread. */
export function isSlow({ kind }: Secret): boolean {
  return kind === 'bcrypt' || kind === 'md5'
}

/** For the ones that are not slow. */
export function matchesFast(secret: Secret, password: string): boolean {
  if (secret.kind === 'plain') return isSameSecret(secret.text, password)
  if (secret.kind !== 'sha1') return false
  const made = createHash('sha1').update(password).update(secret.salt).digest()
  return timingSafeEqual(secret.digest, made)
}
