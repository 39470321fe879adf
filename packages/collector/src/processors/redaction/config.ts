/** The config of the `redaction` processor; keys and defaults as in the OpenTelemetry Collector's redactionprocessor. */
import { z } from 'zod'
import { lowerCase, section, stringList } from '../../component/index.ts'
import { regexKey } from '../../processor-helper/index.ts'

export const HASH_FUNCTIONS = ['', 'sha1', 'sha3', 'md5', 'hmac-sha256', 'hmac-sha512'] as const

/** Bytes that a key has at least, so that nobody can try them all. */
const MIN_KEY_BYTES: Readonly<Record<string, number>> = { 'hmac-sha256': 32, 'hmac-sha512': 64 }

const keys = stringList.default([])
const regexes = z.array(regexKey).default([])

/** A sanitizer that there is none of: a section that is off is taken. */
function sanitizer(what: string) {
  const isOn = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    Object.entries(value).some(([key, inner]) => (key === 'enabled' ? inner === true : isOn(inner)))
  return z
    .unknown()
    .optional()
    .refine(
      (value) => !isOn(value),
      `${what} is not supported; mask with blocked_values or blocked_key_patterns instead`,
    )
    .describe('Not supported: one that is enabled is refused.')
}

export const redactionConfig = section({
  allow_all_keys: z.boolean().default(false).describe('Whether attributes stay whose keys are not in `allowed_keys`.'),
  allowed_keys: keys.describe('Keys of attributes that stay. All others are taken out, with an empty list all.'),
  ignored_keys: keys.describe('Keys of attributes that stay as they are, whatever else is here.'),
  ignored_key_patterns: regexes.describe('The same by regular expressions (RE2).'),
  blocked_key_patterns: regexes.describe('Values of attributes with such a key are masked.'),
  blocked_values: regexes.describe('What matches in the values of the others is masked.'),
  allowed_values: regexes.describe('Values in which one of these matches are not masked.'),
  redact_all_types: z
    .boolean()
    .default(false)
    .describe('Whether values that are not text are looked at, as the text that stands for them.'),
  hash_function: z
    .preprocess(lowerCase, z.enum(HASH_FUNCTIONS))
    .default('')
    .describe('What masks: `""` puts `****` in the place of what matches, the others its hash in hex.'),
  hmac_key: z
    .string()
    .default('')
    .describe('The secret of `hmac-sha256` (32 bytes or more) and `hmac-sha512` (64 or more); best `${env:NAME}`.'),
  summary: z
    .string()
    .default('')
    .describe(
      'What tells of it in attributes: `info`, the counts (`redaction.redacted.count`, `.masked.count`, …), `debug`, the keys as well (`redaction.redacted.keys`, …), anything else nothing.',
    ),
  url_sanitizer: sanitizer('url_sanitizer'),
  db_sanitizer: sanitizer('db_sanitizer'),
}).superRefine(({ hash_function: name, hmac_key: key }, context) => {
  const minimum = MIN_KEY_BYTES[name]
  const length = Buffer.byteLength(key)
  if (minimum === undefined || length >= minimum) return
  const problem = length === 0 ? `${name} needs one` : `it has ${length} bytes`
  context.addIssue({ code: 'custom', message: `${problem}; at least ${minimum} bytes are needed`, path: ['hmac_key'] })
})

export type RedactionConfig = z.infer<typeof redactionConfig>
