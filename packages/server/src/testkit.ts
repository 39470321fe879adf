import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Collector, createCollector } from '@spoor/collector'
import { builtinFactories } from '@spoor/collector/factories'
import { encodeTraces, type KeyValue, type Span } from '@spoor/otlp'
import { createLogger } from './logging.ts'
import { type Spoor, type SpoorOptions, startSpoor } from './spoor.ts'

export interface TestSpoor extends Spoor {
  /** The answer of a path on the page's port. */
  get(path: string, init?: RequestInit): Promise<Response>
  json<T>(path: string): Promise<T>
  /** Posts a serialized request to the OTLP HTTP port. */
  post(bytes: Uint8Array): Promise<Response>
  remove(): Promise<void>
}

/** A whole Spoor on free ports with a data directory of its own, or the one given. */
export async function startTestSpoor(options: SpoorOptions = {}): Promise<TestSpoor> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'spoor-server-')))
  const logger = createLogger('error')
  const starting = startSpoor({ pagePort: 0, otlpGrpcPort: 0, otlpHttpPort: 0, logger, ...options, data })
  const spoor = await starting.catch(async (error: unknown) => {
    if (options.data === undefined) await rm(data, { recursive: true, force: true })
    throw error
  })
  const get = (path: string, init?: RequestInit) => fetch(`${spoor.urls.page}${path}`, init)
  return {
    ...spoor,
    get,
    async json<T>(path: string) {
      const response = await get(path)
      if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
      return (await response.json()) as T
    },
    post: (bytes) =>
      fetch(`${spoor.urls.otlpHttp}/v1/traces`, {
        method: 'POST',
        headers: { 'content-type': 'application/x-protobuf' },
        body: bytes as Uint8Array<ArrayBuffer>,
      }),
    async remove() {
      await spoor.stop()
      await rm(data, { recursive: true, force: true })
    },
  }
}

export const string = (key: string, value: string): KeyValue => ({ key, value: { type: 'string', value } })

/** 32 hex digits of a number. */
export const traceIdOf = (number: number): string => number.toString(16).padStart(32, '0')
export const spanIdOf = (number: number): string => number.toString(16).padStart(16, '0')

/**
 * A serialized request of spans of one service. What is not given has a default; spans start now, one millisecond
 * apart, and take a millisecond.
 */
export function requestOf(
  service: string,
  spans: readonly (Partial<Span> & { traceId: string; spanId: string })[],
): Uint8Array {
  const now = BigInt(Date.now() - 1000) * 1_000_000n
  return encodeTraces({
    resourceSpans: [
      {
        resource: { attributes: [string('service.name', service)], droppedAttributesCount: 0 },
        schemaUrl: '',
        scopeSpans: [
          {
            scope: { name: 'test', version: '1.0', attributes: [], droppedAttributesCount: 0 },
            schemaUrl: '',
            spans: spans.map((span, index) => {
              const start = span.startTimeUnixNano ?? now + BigInt(index) * 1_000_000n
              return {
                traceState: '',
                parentSpanId: '',
                flags: 0,
                name: 'work',
                kind: 1,
                startTimeUnixNano: start,
                endTimeUnixNano: start + 1_000_000n,
                attributes: [],
                droppedAttributesCount: 0,
                events: [],
                droppedEventsCount: 0,
                links: [],
                droppedLinksCount: 0,
                status: { code: 0, message: '' },
                ...span,
              }
            }),
          },
        ],
      },
    ],
  })
}

/** A collector that is not started. */
export function idleCollector(): Collector {
  const config =
    'receivers: {nop: }\nexporters: {nop: }\nservice: {pipelines: {traces: {receivers: [nop], exporters: [nop]}}}'
  return createCollector({ config, factories: builtinFactories, logger: createLogger('silent') })
}
