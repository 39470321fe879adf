/** Keys that the OpenTelemetry Collector no longer has, and that tutorials and old files still write. */

interface Former {
  /** A key of the sections that had it: others have the word for something else. */
  readonly beside: string
  readonly way: string
}

const IN_TLS = (key: string): Former => ({ beside: 'tls', way: `it is in tls now: {${key}: …}` })
const IN_CORS = (key: string): Former => ({ beside: 'cors', way: `it is in cors now: {${key}: …}` })

const FORMER: Readonly<Record<string, Former>> = {
  blocking: { beside: 'block_on_overflow', way: 'it is named block_on_overflow now' },
  persistent_storage_enabled: { beside: 'storage', way: 'write storage with the id of a file_storage extension' },
  database_name_attribute: { beside: 'database_name_attributes', way: 'it is database_name_attributes now, a list' },
  match_once: {
    beside: 'table',
    way: 'otelcol has removed it: a batch takes the first route, or several where the earlier ones have action: copy',
  },
  ballast_size_mib: { beside: 'limit_mib', way: 'remove it, as otelcol has: there is no ballast any more' },
  loglevel: { beside: 'verbosity', way: 'it is verbosity now: basic, normal or detailed' },
  insecure: IN_TLS('insecure'),
  insecure_skip_verify: IN_TLS('insecure_skip_verify'),
  ca_file: IN_TLS('ca_file'),
  cert_file: IN_TLS('cert_file'),
  key_file: IN_TLS('key_file'),
  server_name_override: IN_TLS('server_name_override'),
  tls_settings: { beside: 'tls', way: 'it is named tls now' },
  tls_credentials: { beside: 'tls', way: 'it is named tls now' },
  per_rpc_auth: { beside: 'auth', way: 'write auth with the id of an extension, as bearertokenauth' },
  cors_allowed_origins: IN_CORS('allowed_origins'),
  cors_allowed_headers: IN_CORS('allowed_headers'),
}

/** `; it is named x now`, or undefined for a key that such a section never had. `known`: the keys of the section. */
export function formerKey(key: string, known: readonly string[]): string | undefined {
  const former = Object.hasOwn(FORMER, key) ? FORMER[key] : undefined
  return former && known.includes(former.beside) ? `; ${former.way}` : undefined
}
