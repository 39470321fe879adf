/** The config of the `basicauth` extension; keys as in the OpenTelemetry Collector's. */
import { z } from 'zod'
import { section } from '../../component/index.ts'

const htpasswd = section({
  file: z.string().optional().describe('A file of `htpasswd`. When it changes, it is read anew.'),
  inline: z
    .string()
    .default('')
    .describe('**Secret.** More lines of such a file; a user that is in both has the password of this one.'),
}).refine(({ file, inline }) => file !== undefined || inline.trim() !== '', {
  message: 'no credential source provided; write file or inline',
})

const clientAuth = section({
  username: z.string().default(''),
  password: z.string().default('').describe('**Secret.**'),
  username_file: z
    .string()
    .optional()
    .describe('Instead of `username`: a file with it, which is read anew when it changes.'),
  password_file: z
    .string()
    .optional()
    .describe('Instead of `password`: a file with it, which is read anew when it changes.'),
}).superRefine((config, context) => {
  for (const key of ['username', 'password'] as const) {
    if (config[key] !== '' || config[`${key}_file`] !== undefined) continue
    context.addIssue({ code: 'custom', message: `no ${key}; write ${key} or ${key}_file` })
  }
})

export const basicAuthConfig = section({
  htpasswd: htpasswd.optional().describe('The users that clients may be; for receivers.'),
  client_auth: clientAuth.optional().describe('Who the collector is at servers; for exporters.'),
})
  .refine((config) => config.htpasswd === undefined || config.client_auth === undefined, {
    message:
      'only one of `htpasswd` and `client_auth` can be specified; write two extensions, as basicauth/server and basicauth/client',
  })
  .refine((config) => config.htpasswd !== undefined || config.client_auth !== undefined, {
    message: 'no credential source provided; write htpasswd (for receivers) or client_auth (for exporters)',
  })

export type BasicAuthConfig = z.infer<typeof basicAuthConfig>
