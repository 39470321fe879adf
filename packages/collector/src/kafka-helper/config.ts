/** What the `kafka` receiver and exporter can be told of the cluster; keys and defaults as in the OpenTelemetry Collector's configkafka, v0.160. */
import { z } from 'zod'
import { count, durationMs, parseHostPort, section, stringList, withoutEffect } from '../component/index.ts'
import { clientTls } from '../exporter-helper/index.ts'

export const DEFAULT_PORT = 9092
export const ENCODINGS = ['otlp_proto', 'otlp_json'] as const
export const MECHANISMS = ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const

/** A key of the real one that is not there: an error that says what to do instead. */
export function notSupported(instead: string) {
  return z.undefined({ error: () => `not supported; ${instead}` }).optional()
}

/** `host:port`, or a host alone. Throws an Error that says what is wrong with the text. */
export function parseBroker(text: string): { readonly host: string; readonly port: number } {
  const { host, port } = parseHostPort(/^(\[[^\]]*\]|[^:]*)$/.test(text) ? `${text}:${DEFAULT_PORT}` : text)
  if (host === '' || port === 0)
    throw new Error(`${JSON.stringify(text)}: not a broker; write host:port, like localhost:9092`)
  return { host, port }
}

const brokers = stringList.superRefine((list, context) => {
  if (list.length === 0) context.addIssue({ code: 'custom', message: 'brokers must be specified; write [host:9092]' })
  for (const [index, text] of list.entries()) {
    try {
      parseBroker(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message, path: [index] })
    }
  }
})

const SASL_ONLY = 'there is sasl with PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512'
const credential = (what: string) => z.string({ error: `${what} is required` }).min(1, { error: `${what} is required` })

const sasl = section({
  username: credential('username'),
  password: credential('password').describe('**Secret.**'),
  mechanism: z.enum(MECHANISMS, {
    error: ({ input }) => `mechanism should be one of ${MECHANISMS.join(', ')}; found ${JSON.stringify(input)}`,
  }),
  version: withoutEffect(z.int().optional(), 'the version is agreed with the broker'),
  aws_msk: notSupported(SASL_ONLY),
  oauthbearer_token_source: notSupported(SASL_ONLY),
})

const auth = section(
  {
    sasl: sasl.optional(),
    plain_text: section({
      username: credential('username'),
      password: credential('password').describe('**Secret.**'),
    })
      .optional()
      .describe('The same as `sasl` with the mechanism PLAIN. Deprecated.'),
    kerberos: notSupported(SASL_ONLY),
    tls: notSupported('write `tls` beside `auth`'),
  },
  ['sasl', 'plain_text'],
).refine(({ sasl, plain_text }) => sasl === undefined || plain_text === undefined, {
  message: 'provide either sasl or plain_text, but not both',
  path: ['plain_text'],
})

const metadata = section({
  full: withoutEffect(z.boolean().optional(), 'only the topics in use are asked for'),
  refresh_interval: durationMs
    .prefault('10m')
    .describe('How often it is asked which broker leads which partition, and whether there are new ones.'),
  retry: section({
    max: count.default(3).describe('How often a request is tried again before it counts as failed.'),
    backoff: durationMs.prefault('250ms').describe('Wait before each of these.'),
  }).prefault({}),
})

const VERSION = /^v?\d+\.\d+(\.\d+){0,2}$/

export const clientKeys = {
  brokers: brokers
    .prefault(['localhost:9092'])
    .describe('Brokers that are asked for the others, `host:port`; 9092 where no port is written.'),
  protocol_version: withoutEffect(
    z
      .string()
      .regex(VERSION, {
        error: ({ input }) => `invalid protocol version: ${JSON.stringify(input)}; write it like 3.5.0`,
      })
      .optional(),
    'versions are agreed with each broker; they must be Kafka 3.5 or newer',
  ),
  client_id: z
    .string()
    .regex(/^\S+$/, { error: 'a client id has no spaces and is not empty' })
    .default('otel-collector')
    .describe('The name that brokers know the client by, for quotas and logs.'),
  rack_id: z
    .string()
    .default('')
    .describe('The rack of this client: data is fetched from a replica there, where brokers offer it.'),
  use_leader_epoch: withoutEffect(z.boolean().optional(), 'leader epochs are not looked at'),
  conn_idle_timeout: withoutEffect(durationMs.optional(), 'connections stay open until a broker closes them'),
  tls: clientTls.optional().describe('Plain text without it. `tls:` alone takes TLS with whom Node trusts.'),
  auth: auth.prefault({}).describe('Who the client is. Nothing is told without it.'),
  metadata: metadata.prefault({}),
}

/** The sections that are off when absent and on when written without a value. */
export const clientSwitches = ['tls'] as const

export type ClientConfig = z.infer<z.ZodObject<typeof clientKeys>>

export const encoding = z
  .enum(ENCODINGS, {
    error: ({ input }) =>
      `encoding ${JSON.stringify(input)} is not supported; there are ${ENCODINGS.join(' and ')}, for all signals`,
  })
  .default('otlp_proto')

/** A name that a topic can have: 1 to 249 of these characters, and not `.` or `..`. */
export const topicName = z.string().superRefine((name, context) => {
  if (/^(?!\.{1,2}$)[\w.-]{1,249}$/.test(name)) return
  const message = name.startsWith('^')
    ? `${JSON.stringify(name)}: topics by pattern are not supported; name each topic`
    : `${JSON.stringify(name)}: not the name of a topic; use letters, digits, '.', '_' and '-', 249 at most`
  context.addIssue({ code: 'custom', message })
})
