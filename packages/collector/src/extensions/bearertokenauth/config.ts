/** The config of the `bearertokenauth` extension; keys and defaults as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { section } from '../../component/index.ts'

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
})
  .refine(({ token, tokens }) => token === '' || tokens.length === 0, {
    message: 'either tokens or token should be provided, not both; remove one',
    path: ['tokens'],
  })
  .refine(({ token, tokens, filename }) => token !== '' || tokens.length > 0 || filename !== undefined, {
    message: 'no bearer token provided; write token, tokens or filename',
  })

export type BearerTokenConfig = z.infer<typeof bearerTokenConfig>
