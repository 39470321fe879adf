/** The config of the `load_balancing` exporter; keys and defaults as in the OpenTelemetry Collector's loadbalancingexporter. */
import { z } from 'zod'
import { durationMs, parseHostPort, section, stringList, type Schema } from '../../component/index.ts'

export const DEFAULT_PORT = 4317
/** In place of the address of each backend. */
const SOME_ENDPOINT = 'load-balancing.invalid:4317'

const staticResolver = section({
  hostnames: stringList
    .refine((names) => names.length > 0, { error: 'expected at least one backend, as backend-1:4317' })
    .describe('The backends, as `host:port`. Without a port: 4317.'),
})

const dnsResolver = section({
  hostname: z
    .string({ error: 'expected the name of the backends' })
    .min(1, { error: 'expected the name of the backends' })
    .describe('A name whose addresses are the backends.'),
  port: z
    .preprocess((input) => (typeof input === 'number' ? String(input) : input), z.string().regex(/^\d{1,5}$/))
    .default(String(DEFAULT_PORT))
    .describe('Their port.'),
  interval: durationMs.prefault('5s').describe('How often the name is asked for.'),
  timeout: durationMs.prefault('1s').describe('How long an answer is waited for.'),
})

/** What all backends have in common. */
export interface BackendConfig {
  readonly endpoint: string
  readonly sending_queue?: { readonly storage?: string | undefined } | undefined
}

/** `otlp`: the schema of the exporter that sends to each backend. */
export function loadBalancingConfig(otlp: Schema<unknown>) {
  const backend = z.preprocess(
    (input) => ({ ...(input as object | null), endpoint: SOME_ENDPOINT }),
    otlp as unknown as z.ZodType<BackendConfig>,
  )
  return section({
    routing_key: z
      .enum(['traceID', 'service'], { error: 'expected traceID or service; the other keys of otelcol are not here' })
      .default('traceID')
      .describe('What goes to one backend: the spans of a trace (`traceID`), or of a service (`service`).'),
    protocol: section({
      otlp: backend
        .prefault({})
        .describe('The settings of `otlp_grpc`, for each backend; `endpoint` is the backend’s.'),
    }).prefault({}),
    resolver: section({
      static: staticResolver.optional().describe('Backends that are always the same.'),
      dns: dnsResolver.optional().describe('Backends that a name server knows.'),
    }),
  }).superRefine(({ resolver, protocol }, context) => {
    const fail = (message: string, ...path: PropertyKey[]): void => context.addIssue({ code: 'custom', message, path })
    if ((resolver.static === undefined) === (resolver.dns === undefined))
      fail('exactly one resolver: write static: {hostnames: [...]} or dns: {hostname: ...}', 'resolver')
    for (const [index, name] of (resolver.static?.hostnames ?? []).entries()) {
      try {
        parseHostPort(endpointOf(name))
      } catch (error) {
        fail((error as Error).message, 'resolver', 'static', 'hostnames', index)
      }
    }
    if (protocol.otlp.sending_queue?.storage !== undefined)
      fail(
        'backends come and go, and their queues are in memory; remove storage',
        'protocol',
        'otlp',
        'sending_queue',
        'storage',
      )
  })
}

export type LoadBalancingConfig = z.infer<ReturnType<typeof loadBalancingConfig>>

/** With the port that is meant where there is none. */
export function endpointOf(name: string): string {
  return /:\d+$/.test(name) ? name : `${name}:${DEFAULT_PORT}`
}
