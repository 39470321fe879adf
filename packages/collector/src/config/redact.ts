import { isMapping, setKey } from './merge.ts'

/** Keys of which the values are secrets, in whatever component: of a mapping (`headers`) all of them. */
const SECRET =
  /^(headers|(response|record)_headers|passwords?|tokens?|(client_|access_)?secrets?|(api|access|hmac)_?key|key_pem|inline)$/i
const REDACTED = '[REDACTED]'
/** In URLs. */
const USERINFO = /\/\/[^/@\s]*@/g

/** A configuration's values without what is secret in them. The structure stays, so that it can be seen that something is set. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets)
  if (typeof value === 'string') return value.replaceAll(USERINFO, `//${REDACTED}@`)
  if (!isMapping(value)) return value
  const output: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value))
    setKey(output, key, SECRET.test(key) ? hidden(inner) : withoutSecrets(inner))
  return output
}

function hidden(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(hidden)
  if (!isMapping(value)) return value === null || value === '' ? value : REDACTED
  const output: Record<string, unknown> = {}
  for (const [key, inner] of Object.entries(value)) setKey(output, key, hidden(inner))
  return output
}
