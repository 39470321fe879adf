import type { Attributes } from '@opentelemetry/api'

/** Attributes that hold a URL or a part of one, of both generations of the semantic conventions. */
const urlAttributes = ['url.full', 'url.query', 'http.url', 'http.target'] as const

/** Parameters of a query whose values are nobody's business. Matched as whole words of their names, in any case. */
const secretWords =
  'access|api[_-]?key|apikey|awsaccesskeyid|auth|authorization|credential|credentials|jwt|key|passwd|password|pwd|secret|session|sig|signature|token'

const secretParameter = new RegExp(
  `([?&](?:[^=&#]*[^a-z=&#])?(?:[a-z]*(?:token|secret|password)|${secretWords})=)[^&#]+`,
  'gi',
)
const password = /(\/\/[^/?#@:]*:)[^/?#@]+@/

/** Takes secrets out of the URLs among these attributes, in place: `?token=abc` becomes `?token=REDACTED`. */
export function redactUrls(attributes: Attributes): void {
  for (const name of urlAttributes) {
    const value = attributes[name]
    if (typeof value !== 'string') continue
    const redacted = redactUrl(value, name === 'url.query')
    if (redacted !== value) attributes[name] = redacted
  }
}

function redactUrl(text: string, isQuery: boolean): string {
  const withoutPassword = text.includes('@') ? text.replace(password, '$1REDACTED@') : text
  if (!text.includes('=')) return withoutPassword
  if (!isQuery || text.startsWith('?')) return withoutPassword.replaceAll(secretParameter, '$1REDACTED')
  return `?${text}`.replaceAll(secretParameter, '$1REDACTED').slice(1)
}
