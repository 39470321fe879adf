/** TLS of servers and clients: what both can be told, and Node's options for it; keys and defaults as in the OpenTelemetry Collector's configtls. */
import tls from 'node:tls'
import { z } from 'zod'
import { durationMs, readConfigFile, stringList } from './schema.ts'
import { didYouMean } from './suggest.ts'
import { withoutEffect } from './without-effect.ts'

const VERSIONS = ['1.0', '1.1', '1.2', '1.3'] as const
const KEY_EXCHANGES = ['ECDHE_RSA', 'ECDHE_ECDSA', 'RSA'] as const
const CIPHERS = [
  'AES_128_GCM_SHA256',
  'AES_256_GCM_SHA384',
  'CHACHA20_POLY1305_SHA256',
  'AES_128_CBC_SHA',
  'AES_256_CBC_SHA',
]
/** Go's names of the suites up to TLS 1.2 that there are here. */
const SUITES = KEY_EXCHANGES.flatMap((exchange) =>
  CIPHERS.filter((cipher) => exchange !== 'RSA' || !cipher.startsWith('CHACHA')).map(
    (cipher) => `TLS_${exchange}_WITH_${cipher}`,
  ),
)
/** Those of TLS 1.3, which cannot be chosen, as in Go. */
const SUITES_13 = ['TLS_AES_128_GCM_SHA256', 'TLS_AES_256_GCM_SHA384', 'TLS_CHACHA20_POLY1305_SHA256']
/** Without forward secrecy. */
const INSECURE = /^TLS_RSA_/
/** Go's names of curves, and OpenSSL's. */
const CURVES: Readonly<Record<string, string>> = {
  X25519: 'X25519',
  P256: 'P-256',
  P384: 'P-384',
  P521: 'P-521',
  X25519MLKEM768: 'X25519MLKEM768',
}

const knownNames = (known: readonly string[], what: string) =>
  stringList.superRefine((names, context) => {
    for (const [index, name] of names.entries()) {
      if (known.includes(name)) continue
      const message = `invalid TLS ${what}: ${JSON.stringify(name)}${didYouMean(name, known)}; known: ${known.join(', ')}`
      context.addIssue({ code: 'custom', message, path: [index] })
    }
  })

const pem = (what: string) => z.string().optional().describe(`${what} itself, instead of its file.`)

/** The keys that servers and clients have in common. */
export const tlsKeys = {
  cert_file: z.string().optional(),
  cert_pem: pem('The certificate'),
  key_file: z.string().optional(),
  key_pem: pem('**Secret.** The key'),
  min_version: z.enum(VERSIONS).default('1.2'),
  max_version: z.enum(VERSIONS).optional().describe('Default: the newest.'),
  cipher_suites: knownNames([...SUITES, ...SUITES_13], 'cipher suite')
    .default([])
    .describe("Up to TLS 1.2, by Go's names; those of TLS 1.3 cannot be chosen. Empty: the safe ones."),
  include_insecure_cipher_suites: z
    .boolean()
    .default(false)
    .describe('Whether `cipher_suites` may have some without forward secrecy.'),
  curve_preferences: knownNames(Object.keys(CURVES), 'curve').default([]).describe('Empty: the usual ones.'),
  reload_interval: durationMs
    .prefault('0s')
    .describe(
      'How often files are looked at, and read anew where they have changed. 0: only when the configuration is reloaded.',
    ),
  tpm: withoutEffect(z.unknown().optional(), 'keys are read from files'),
}

type TlsConfig = z.infer<z.ZodObject<typeof tlsKeys>>

/** What of it does not fit together: the key, and why. */
export function tlsProblem(config: TlsConfig): { readonly key: keyof TlsConfig; readonly message: string } | undefined {
  for (const what of ['cert', 'key'] as const) {
    if (config[`${what}_file`] === undefined || config[`${what}_pem`] === undefined) continue
    return { key: `${what}_pem`, message: `provide either ${what}_file or ${what}_pem, but not both` }
  }
  if (config.max_version !== undefined && config.min_version > config.max_version) {
    return {
      key: 'min_version',
      message: `min_version ${config.min_version} is above max_version ${config.max_version}`,
    }
  }
  const insecure = config.cipher_suites.find((name) => INSECURE.test(name))
  if (insecure !== undefined && !config.include_insecure_cipher_suites) {
    const message = `${insecure} has no forward secrecy; remove it, or set include_insecure_cipher_suites`
    return { key: 'cipher_suites', message }
  }
  return undefined
}

/** Node's options for it, with the files as they are now. Throws an Error that names the key of a file that cannot be read. */
export function tlsOptions(config: TlsConfig): tls.SecureContextOptions {
  const { min_version: min, max_version: max, cipher_suites: suites, curve_preferences: curves } = config
  const cert = textOf(config, 'cert')
  const key = textOf(config, 'key')
  const ciphers = ciphersOf(suites)
  // OpenSSL has the old versions below its usual level.
  const level = min < '1.2' ? `${ciphers ?? tls.DEFAULT_CIPHERS}:@SECLEVEL=0` : ciphers
  return {
    minVersion: versionOf(min),
    ...(max === undefined ? {} : { maxVersion: versionOf(max) }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
    ...(level === undefined ? {} : { ciphers: level }),
    ...(curves.length === 0 ? {} : { ecdhCurve: curves.map((name) => CURVES[name]).join(':') }),
  }
}

/** The PEM text of a key and its file. */
export function textOf<N extends string>(
  config: { readonly [K in `${N}_file` | `${N}_pem`]?: string | undefined },
  name: N,
): string | Buffer | undefined {
  const file = config[`${name}_file`]
  return file === undefined ? config[`${name}_pem`] : readConfigFile(`tls.${name}_file`, file)
}

function versionOf(version: (typeof VERSIONS)[number]): tls.SecureVersion {
  return version === '1.0' ? 'TLSv1' : `TLSv${version}`
}

/** OpenSSL's names. Those of TLS 1.3 are another list, which stays as it is. */
function ciphersOf(suites: readonly string[]): string | undefined {
  const chosen = suites.filter((name) => SUITES.includes(name))
  if (chosen.length === 0) return undefined
  return chosen.map(openSslName).join(':')
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` is `ECDHE-RSA-AES128-GCM-SHA256` there. */
function openSslName(suite: string): string {
  return suite
    .replace(/^TLS_(RSA_)?/, '')
    .replace('WITH_', '')
    .replace('_CBC', '')
    .replace('POLY1305_SHA256', 'POLY1305')
    .replace(/AES_(\d+)/, 'AES$1')
    .replaceAll('_', '-')
}
