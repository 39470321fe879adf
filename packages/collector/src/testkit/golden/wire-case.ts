/**
 * Golden pairs of components that speak another protocol than OTLP, or to several: one YAML file a case in a folder `wire` beside the component.
 * As with the pairs of {@link file://./case.ts}, somebody writes what is asked, and `npm run golden` writes what a real collector answers.
 *
 *     # What is shown.
 *     receiver: zipkin                 or exporter: zipkin, load_balancing
 *     config:                          of the component, in block style; PORT is where a receiver listens, SERVER the `host:port` that an exporter sends to
 *       endpoint: 127.0.0.1:PORT
 *     posts:                           to a receiver, one after the other
 *       - {path: /api/v2/spans, type: application/json, encoding: gzip, headers: {origin: http://a}, json: […]}   or text: '…', or base64: …
 *     input: {resourceSpans: […]}      for an exporter, OTLP/JSON: a request, or a list of them
 *     backends: [127.0.0.11:24317]     who listens behind an exporter that sends to several, with ports of their own
 *     collector: 0.160.0               the version that gave the answer
 *     output:                          of a receiver {statuses: […], requests: […]}, with `headers` where the case names some; of an exporter what it sent:
 *                                      to one the list of its bodies, to several for each backend which spans, `TRACE SPAN SERVICE SCOPE`
 *     error: …                         what `otelcol validate` says, and
 *     here: …                          what is said here for it; or the output here, where that is other on purpose
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { decodeTraces } from '@spoor/otlp'
import { parse, stringify } from 'yaml'
import { spansFromProto } from '../../receivers/zipkin/v2-proto.ts'
import { spansToJson } from '../../exporters/zipkin/to-json.ts'
import { entryText } from './case.ts'

export interface WirePost {
  readonly path: string
  readonly type?: string
  readonly encoding?: 'gzip'
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly text?: string
  readonly base64?: string
}

export interface WireCase {
  /** `zipkin/proto`: the component and the file. */
  readonly name: string
  readonly file: string
  readonly kind: 'receiver' | 'exporter'
  readonly type: string
  /** As it is written in the file, a block two spaces deep. */
  readonly config: string
  readonly posts: readonly WirePost[]
  /** Fields of the answers that matter. */
  readonly headers: readonly string[]
  readonly input: readonly object[]
  readonly backends: readonly string[]
  readonly output: unknown
  readonly error: string | undefined
  readonly here: unknown
}

interface Written {
  readonly receiver?: string
  readonly exporter?: string
  readonly posts?: WirePost[]
  readonly headers?: string[]
  readonly input?: object | object[]
  readonly backends?: string[]
  readonly output?: unknown
  readonly error?: string
  readonly here?: unknown
}

/** All cases in the folders `wire` below this one. */
export function readWireCases(folder: string): WireCase[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|[/\\])wire[/\\][^/\\]+\.yaml$/.test(path))
    .sort()
    .map((path) => readWireCase(join(folder, path)))
}

function readWireCase(file: string): WireCase {
  const text = readFileSync(file, 'utf8')
  const written = parse(text) as Written
  const type = written.receiver ?? written.exporter
  if (type === undefined) throw new Error(`${file}: names no receiver or exporter`)
  return {
    name: `${type}/${basename(file, '.yaml')}`,
    file,
    kind: written.receiver === undefined ? 'exporter' : 'receiver',
    type,
    config: /^config:[^\S\n]*\n((?:(?: .*)?\n)*)/m.exec(text)?.[1] ?? '',
    posts: written.posts ?? [],
    headers: written.headers ?? [],
    input: [written.input ?? []].flat(),
    backends: written.backends ?? [],
    output: written.output,
    error: written.error,
    here: written.here,
  }
}

/** Where a case's component listens, and what it sends to. */
export interface WirePlaces {
  readonly port: number
  /** `host:port` */
  readonly server: string
}

/** What is around the component. */
export interface WireRest {
  readonly receivers?: object
  readonly exporters?: object
  readonly pipelines: Readonly<Record<string, object>>
  readonly telemetry?: object
}

/** The configuration, the component first, so that its own lines begin at the third. */
export function wireConfig(
  { kind, type, config }: WireCase,
  { port, server }: WirePlaces,
  { receivers = {}, exporters = {}, ...service }: WireRest,
): string {
  const entry = entryText(config.replaceAll('PORT', String(port)).replaceAll('SERVER', server), type)
  const [beside, other] = kind === 'receiver' ? [receivers, { exporters }] : [exporters, { receivers }]
  const more = Object.keys(beside).length > 0 ? stringify(beside).replaceAll(/^(?=.)/gm, '  ') : ''
  return `${kind}s:\n${entry}${more}${stringify({ ...other, service })}`
}

/** What is posted. */
export function bodyOf({ json, text, base64, encoding }: WirePost): Buffer {
  const plain = base64 === undefined ? Buffer.from(text ?? JSON.stringify(json ?? [])) : Buffer.from(base64, 'base64')
  return encoding === 'gzip' ? gzipSync(plain) : plain
}

export interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string | null>>
}

/** Posts what a case has. `address`: `host:port`. */
export async function postAll({ posts, headers: told }: WireCase, address: string): Promise<Answer[]> {
  const answers: Answer[] = []
  for (const post of posts) {
    const headers: Record<string, string> = { ...post.headers }
    if (post.type !== undefined) headers['content-type'] = post.type
    if (post.encoding !== undefined) headers['content-encoding'] = post.encoding
    const method = post.method ?? 'POST'
    const body = method === 'GET' || method === 'OPTIONS' ? null : bodyOf(post)
    const response = await fetch(`http://${address}${post.path}`, { method, headers, body })
    await response.arrayBuffer()
    const shown = Object.fromEntries(told.map((name) => [name, response.headers.get(name)]))
    answers.push({ status: response.status, ...(told.length > 0 && { headers: shown }) })
  }
  return answers
}

/** What a server was sent. */
export interface SentBody {
  readonly path: string
  readonly type: string
  readonly body: Buffer
}

/** The body of Zipkin's spans as JSON, whatever it was sent as: in protobuf, tags are in no order. */
export function zipkinBody({ path, type, body }: SentBody): object {
  const json = type === 'application/x-protobuf' ? spansToJson([...spansFromProto(body)]) : body
  return { path, type, spans: JSON.parse(Buffer.from(json).toString()) as unknown }
}

/** Which spans are in a request of OTLP, in their order by ids. */
export function spansIn(requests: readonly Uint8Array[]): string[] {
  return requests
    .flatMap((bytes) => decodeTraces(bytes).resourceSpans)
    .flatMap(({ resource, scopeSpans }) =>
      scopeSpans.flatMap(({ scope, spans }) =>
        spans.map(({ traceId, spanId }) => {
          const service = resource.attributes.find(({ key }) => key === 'service.name')?.value
          return `${traceId} ${spanId} ${service?.type === 'string' ? service.value : '-'} ${scope.name || '-'}`
        }),
      ),
    )
    .sort()
}
