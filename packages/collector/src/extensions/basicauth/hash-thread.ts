/** The thread that compares passwords with hashes that are slow to make: one at a time. See `verifier.ts`. */
import { timingSafeEqual } from 'node:crypto'
import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'
import type { Secret } from './htpasswd.ts'
import { md5Crypt } from './md5-crypt.ts'

export interface HashRequest {
  readonly secret: Secret
  readonly password: string
}

parentPort?.on('message', ({ secret, password }: HashRequest) => {
  parentPort?.postMessage(matches(secret, password), [])
})

function matches(secret: Secret, password: string): boolean {
  if (secret.kind === 'bcrypt') return compareSync(password, secret.text)
  if (secret.kind !== 'md5') return false
  // Both are of the one length that the form has.
  const made = md5Crypt(password, secret.salt, secret.magic)
  return timingSafeEqual(Buffer.from(made), Buffer.from(secret.text))
}
