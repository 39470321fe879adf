/** The config of the `bearertokenauth` extension; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { count, durationMs, section } from '../../component/index.ts'

export const bearerTokenConfig = section({
  header: z.string().min(1).default('Authorization').describe('The header that has the token.'),
  scheme: z.string().default('Bearer').describe('What stands before the token, with a space between. Empty: nothing.'),
  token: z.string().default('').describe('**Secret.** The token of clients, and at servers.'),
  tokens: z
    .array(z.string().min(1))
    .default([])
    .describe('**Secret.** Instead of `token`: any of them is good for a client; the first is used at servers.'),
  filename: z
    .string()
    .optional()
    .describe('Instead of both: a file with a token on each line. When it changes, it is read anew.'),
  retry_on_failure: section({
    enabled: z.boolean().default(false),
    max_retries: count.default(0).describe('0: until the file is there.'),
    interval: durationMs.prefault('0s').describe('0: a second.'),
  })
    .prefault({})
    .describe(
      'Whether the collector starts without the file, and looks for it again. Until then nobody is let in, and nothing is sent.',
    ),
  wait_for_token_file: z
    .boolean()
    .default(false)
    .describe('Whether the start waits for the file, and fails where `retry_on_failure` gives it up.'),
})
  .refine(({ token, tokens }) => token === '' || tokens.length === 0, {
    message: 'either tokens or token should be provided, not both; remove one',
    path: ['tokens'],
  })
  .refine(({ token, tokens, filename }) => token !== '' || tokens.length > 0 || filename !== undefined, {
    message: 'no bearer token provided; write token, tokens or filename',
  })
  .refine(({ retry_on_failure: { enabled }, filename }) => !enabled || filename !== undefined, {
    message: 'requires filename to be set, as nothing else may be missing',
    path: ['retry_on_failure'],
  })
  .refine(({ retry_on_failure: { enabled }, wait_for_token_file: waits }) => !waits || enabled, {
    message: 'requires retry_on_failure to be enabled; write retry_on_failure: {enabled: true}',
    path: ['wait_for_token_file'],
  })

export type BearerTokenConfig = z.infer<typeof bearerTokenConfig>
