/** A span as Zipkin has it (zipkin.io/zipkin-api, version 2), whichever form it comes or goes in. */
export interface ZipkinSpan {
  /** 32 digits of lower-case hex. */
  readonly traceId: string
  /** 16 digits. */
  readonly id: string
  /** Empty text: none. */
  readonly parentId: string
  readonly name: string
  readonly kind: ZipkinKind | undefined
  /** Microseconds since 1970; 0: not known. */
  readonly timestampUs: bigint
  readonly durationUs: bigint
  readonly local: ZipkinEndpoint | undefined
  readonly remote: ZipkinEndpoint | undefined
  readonly annotations: readonly ZipkinAnnotation[]
  readonly tags: ReadonlyMap<string, string>
}

export type ZipkinKind = 'CLIENT' | 'SERVER' | 'PRODUCER' | 'CONSUMER'

/** Empty text and 0: not known. */
export interface ZipkinEndpoint {
  readonly serviceName: string
  readonly ipv4: string
  readonly ipv6: string
  readonly port: number
}

export interface ZipkinAnnotation {
  readonly timestampUs: bigint
  readonly value: string
}
