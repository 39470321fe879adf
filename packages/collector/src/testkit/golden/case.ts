/**
 * Golden pairs: what the OpenTelemetry Collector makes of an input under a configuration, kept in one YAML file a case beside the component
 * (`processors/attributes/golden/NAME.yaml`). Somebody writes what is asked; the answers are written by `npm run golden`, which asks the real one.
 *
 *     # What is shown.
 *     processor: attributes            or connector: count, or exporter: prometheus, whose output is the text that it serves
 *     signal: traces                   what goes in; to: metrics, where something else comes out
 *     config:                          of the component, as a mapping in block style
 *       actions: [{key: a, action: delete}]
 *     pipelines: [traces/a, traces/b]  behind a connector that chooses; the output is then a mapping: for each the list of its requests
 *     headers: {x-tenant: [a, b]}      of the request, where they matter
 *     env: {OTEL_RESOURCE_ATTRIBUTES: a=1}   variables of the process, where they matter
 *     gates: [ottl.functions.enableLambda]   feature gates without which a real collector does not know it; here they are always on
 *     scrape: application/json         of an exporter: what is asked for, in `accept`; PORT in its config is a free one
 *     input: {resourceSpans: […]}      OTLP/JSON: a request, or a list of them
 *     generate: {spans: 4000, seed: 1} instead: that many spans, each a trace of its own; the output is then {items: …, sha256: …}
 *     pause: 2500                      milliseconds that pass after each request of the input
 *     unordered: [attributes]          lists whose order nobody promises, `requests` being that of all; without it, all order counts
 *     ranked: [timeUnixNano]           keys of the output that are times of the run: their values are written as 1, 2, … in their order
 *     ofMachine: [host.name]           attributes of resources whose values are the machine's: of these the type alone is kept
 *     without: [schemaUrl]             keys of the output that are left out, as they differ on purpose
 *     collector: 0.160.0               the version that gave the answer; none where there is none to be asked, and the answer was written from what is read of it
 *     output: {resourceSpans: […]}     OTLP/JSON: a request, or a list of them, empty where nothing came out
 *     error: processors::attributes: … or what `otelcol validate` says
 *     here: 3:3 processors.attributes… and what is said here for it: line and column of the configuration that {@link configText} makes
 */
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { requestToJson, type Signal } from '@spoor/otlp'
import { parse } from 'yaml'
import { tracesRequest } from '../requests.ts'

export interface GoldenCase {
  /** `attributes/insert`: the component and the file. */
  readonly name: string
  readonly file: string
  readonly kind: 'processor' | 'connector' | 'exporter'
  /** The component's type in the YAML. */
  readonly type: string
  readonly signal: Signal
  readonly to: Signal
  /** Those behind a connector that chooses between several. */
  readonly pipelines: readonly string[]
  /** As it is written in the file, a block two spaces deep. */
  readonly config: string
  readonly headers: Readonly<Record<string, readonly string[]>>
  readonly env: Readonly<Record<string, string>>
  /** Of the real collector, as `--feature-gates` has them. */
  readonly gates: readonly string[]
  readonly input: readonly object[]
  /** Whether the output is a digest. */
  readonly isGenerated: boolean
  readonly pauseMs: number
  readonly scrape: string
  readonly unordered: readonly string[]
  readonly ranked: readonly string[]
  readonly ofMachine: readonly string[]
  readonly without: readonly string[]
  /** Whether nobody is asked, and what must come out was written by hand. */
  readonly isWritten: boolean
  readonly output: readonly object[] | undefined
  readonly error: string | undefined
  readonly here: string | undefined
}

interface Written {
  readonly processor?: string
  readonly connector?: string
  readonly exporter?: string
  readonly scrape?: string
  readonly signal: Signal
  readonly to?: Signal
  readonly pipelines?: string[]
  readonly headers?: Record<string, string | string[]>
  readonly env?: Record<string, string>
  readonly gates?: string[]
  readonly input?: object | object[]
  readonly generate?: { readonly spans: number; readonly seed: number }
  readonly pause?: number
  readonly unordered?: string[]
  readonly ranked?: string[]
  readonly ofMachine?: string[]
  readonly without?: string[]
  readonly collector?: string
  readonly output?: object | object[]
  readonly error?: string
  readonly here?: string
}

/** All cases in the folders `golden` below this one. */
export function readGoldenCases(folder: string): GoldenCase[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(^|[/\\])golden[/\\][^/\\]+\.yaml$/.test(path))
    .sort()
    .map((path) => readGoldenCase(join(folder, path)))
}

function readGoldenCase(file: string): GoldenCase {
  const text = readFileSync(file, 'utf8')
  const written = parse(text) as Written
  const type = written.processor ?? written.connector ?? written.exporter
  if (type === undefined) throw new Error(`${file}: names no processor, connector or exporter`)
  return {
    name: `${type}/${basename(file, '.yaml')}`,
    file,
    kind: written.processor !== undefined ? 'processor' : written.connector !== undefined ? 'connector' : 'exporter',
    type,
    signal: written.signal,
    to: written.to ?? written.signal,
    pipelines: written.pipelines ?? [],
    config: /^config:[^\S\n]*\n((?:(?: .*)?\n)*)/m.exec(text)?.[1] ?? '',
    headers: Object.fromEntries(Object.entries(written.headers ?? {}).map(([key, value]) => [key, [value].flat()])),
    env: written.env ?? {},
    gates: written.gates ?? [],
    input: written.generate ? [generated(written.generate)] : [written.input ?? []].flat(),
    isGenerated: written.generate !== undefined,
    pauseMs: written.pause ?? 0,
    scrape: written.scrape ?? '',
    unordered: written.unordered ?? [],
    ranked: written.ranked ?? [],
    ofMachine: written.ofMachine ?? [],
    without: written.without ?? [],
    isWritten: written.collector === 'none',
    output: written.output === undefined ? undefined : [written.output].flat(),
    error: written.error,
    here: written.here,
  }
}

function generated({ spans, seed }: { readonly spans: number; readonly seed: number }): object {
  return requestToJson('traces', tracesRequest({ spans, traces: spans, attributes: 0, seed }))
}

/** The section of the component under an id, as lines 1 and 2 and what is under them. */
export function sectionText({ kind, config }: GoldenCase, id: string): string {
  return `${kind}s:\n${entryText(config, id)}`
}

/** The component under an id, without the head of the section. */
export function entryText(config: string, id: string): string {
  return `  ${id}:\n${config.replaceAll(/^(?=.)/gm, '  ')}`
}

/** `service.instance.id` of the collector, which is in metrics. */
export const INSTANCE_ID = 'golden'

/** The requests with ranks in place of the values that the case has ranked. */
export function withRanks({ ranked }: Pick<GoldenCase, 'ranked'>, requests: readonly object[]): object[] {
  if (ranked.length === 0) return [...requests]
  const values = new Set<string>()
  const walk = (change: (value: string) => string): object[] =>
    JSON.parse(JSON.stringify(requests), (key, value: unknown) =>
      ranked.includes(key) ? change(String(value)) : value,
    ) as object[]
  walk((value) => (values.add(value), value))
  const sorted = [...values].sort((a, b) => (BigInt(a) < BigInt(b) ? -1 : 1))
  return walk((value) => String(sorted.indexOf(value) + 1))
}

/** The requests with the type alone of the values that are the machine's. */
export function withoutMachine({ ofMachine }: Pick<GoldenCase, 'ofMachine'>, requests: readonly object[]): object[] {
  if (ofMachine.length === 0) return [...requests]
  return JSON.parse(JSON.stringify(requests), (_, value: unknown) => {
    const { key, value: told } = (value ?? {}) as { readonly key?: string; readonly value?: object }
    if (key === undefined || !ofMachine.includes(key)) return value
    return {
      key,
      value:
        'arrayValue' in told!
          ? { arrayValue: {} }
          : 'intValue' in told!
            ? { intValue: '0' }
            : { stringValue: 'MACHINE' },
    }
  }) as object[]
}

/** What an exporter serves, as a list of one. Within an answer the order of series is as it is. */
export async function scraped(address: string, { scrape }: GoldenCase): Promise<object[]> {
  const response = await fetch(`http://${address}/metrics`, { headers: { accept: scrape } })
  const text = await response.text()
  // A content type is the same with and without spaces, and in any order.
  const type = (response.headers.get('content-type') ?? '').split(';').map((part) => part.trim())
  return [{ type: type.sort().join('; '), text }]
}

/** The pipelines that lead from a receiver through the component to an exporter, by their ids. */
export function pipelinesOf(golden: GoldenCase, name: string, ids: Ids): Record<string, object> {
  const { kind, signal, to, pipelines } = golden
  const { receiver, component, exporter } = ids
  if (kind === 'exporter') return { [`${signal}/${name}`]: { receivers: [receiver], exporters: [component] } }
  if (kind === 'processor') {
    return { [`${signal}/${name}`]: { receivers: [receiver], processors: [component], exporters: [exporter] } }
  }
  const ends = pipelines.length > 0 ? pipelines : [`${to}/${name}-out`]
  return {
    [`${signal}/${name}-in`]: { receivers: [receiver], exporters: [component] },
    ...Object.fromEntries(
      ends.map((end) => [end, { receivers: [component], exporters: [exporterOf(golden, exporter, end)] }]),
    ),
  }
}

/** The exporter at the end of a pipeline: each has its own where there are several. `exporter`: `type/name`. */
export function exporterOf({ pipelines }: GoldenCase, exporter: string, pipeline: string): string {
  return pipelines.length > 0 ? `${exporter}-${pipeline.replace('/', '-')}` : exporter
}

/** All of them. */
export function exportersOf(golden: GoldenCase, exporter: string): string[] {
  return golden.pipelines.length > 0 ? golden.pipelines.map((each) => exporterOf(golden, exporter, each)) : [exporter]
}

/** The requests of the only pipeline, or a mapping with those of each. */
export function byPipeline<T>(
  { pipelines }: Pick<GoldenCase, 'pipelines'>,
  requestsOf: (pipeline: string) => readonly T[],
): readonly T[] | readonly [Readonly<Record<string, readonly T[]>>] {
  if (pipelines.length === 0) return requestsOf('')
  return [Object.fromEntries(pipelines.map((pipeline) => [pipeline, requestsOf(pipeline)]))]
}

export interface Ids {
  readonly receiver: string
  readonly component: string
  readonly exporter: string
}
