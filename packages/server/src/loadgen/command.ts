import {
  formatBytes,
  type OptionValue,
  ageOf,
  amountOf,
  bytesOf,
  choiceOf,
  countOf,
  textOf,
  textsOf,
} from '../cli-values.ts'
import { SpoorError } from '../error.ts'
import { CORPUS_NAMES, type CorpusName } from './corpus-names.ts'
import type { Protocol } from './sender.ts'

/** What `spoor loadgen` is asked to send, where, and how. */
export interface LoadgenCommand {
  readonly protocol: Protocol
  /** A URL. */
  readonly address: string
  readonly gzip: boolean
  readonly headers: Readonly<Record<string, string>>
  readonly shape: CorpusName
  readonly spansPerRequest: number | undefined
  readonly spanBytes: number | undefined
  readonly seed: number
  /** Connections, each with one request in flight. */
  readonly senders: number
  /** Spans a second; Infinity: as many as are taken. */
  readonly rate: number
  /** Spans and milliseconds until the end: what comes first. */
  readonly spans: number
  readonly durationMs: number
  /** Over how long back from now the times of spans lie; undefined: they are of the last minute. */
  readonly overMs: number | undefined
  /** URL of a Jaeger or Spoor that traces are read back from; undefined: they are not. */
  readonly verify: string | undefined
}

const PROTOCOLS = ['grpc', 'http'] as const
const COMPRESSIONS = ['none', 'gzip'] as const
const ENDPOINTS = { grpc: 'http://127.0.0.1:4317', http: 'http://127.0.0.1:4318' } as const

export const DEFAULT_SENDERS = 4
export const DEFAULT_DURATION = '10s'

/** Largest values that make sense of what is held in memory. */
const MAX_SENDERS = 10_000
const MAX_SPANS_PER_REQUEST = 65_536
const MAX_SPAN_BYTES = 1024 * 1024
const MAX_REQUEST_BYTES = 64 * 1024 * 1024

/** A pass over what is prepared lasts a minute where nothing else is asked for; times within one are whole nanoseconds up to 2^53. */
const LEAST_OVER_MS = 60_000
const MOST_OVER_MS = 90 * 86_400_000

/** Reads the options of the command; throws SpoorError `option`. */
export function loadgenCommand(options: Readonly<Record<string, OptionValue>>): LoadgenCommand {
  const protocol = choiceOf('protocol', options['protocol'], PROTOCOLS) ?? 'grpc'
  const shape = choiceOf('shape', options['shape'], CORPUS_NAMES) ?? 'shop'
  const spans = amountOf('spans', options['spans'])
  const duration = ageOf('duration', options['duration'] ?? (spans === undefined ? DEFAULT_DURATION : undefined))
  const spansPerRequest = countOf('spans-per-request', options['spansPerRequest'], MAX_SPANS_PER_REQUEST)
  const spanBytes = bytesOf('span-size', options['spanSize'])
  for (const [option, value] of Object.entries({ 'spans-per-request': spansPerRequest, 'span-size': spanBytes })) {
    if (value !== undefined && shape !== 'shop') {
      throw new SpoorError('option', `--${option} is of the shape shop; ${shape} has its own`)
    }
  }
  if (spanBytes !== undefined && spanBytes > MAX_SPAN_BYTES) {
    throw new SpoorError('option', `--span-size: ${formatBytes(spanBytes)} is more than ${formatBytes(MAX_SPAN_BYTES)}`)
  }
  if ((spanBytes ?? 0) * (spansPerRequest ?? 512) > MAX_REQUEST_BYTES) {
    throw new SpoorError(
      'option',
      `--span-size: a request would have more than ${formatBytes(MAX_REQUEST_BYTES)}: lower it, or --spans-per-request`,
    )
  }
  const overMs = ageOf('over', options['over'])
  if (overMs !== undefined && (overMs < LEAST_OVER_MS || overMs > MOST_OVER_MS)) {
    throw new SpoorError('option', `--over: "${String(options['over'])}" is not a time from 1m to 90d`)
  }
  return {
    protocol,
    address: urlOf('endpoint', textOf('endpoint', options['endpoint']) ?? ENDPOINTS[protocol]),
    gzip: choiceOf('compression', options['compression'], COMPRESSIONS) === 'gzip',
    headers: Object.fromEntries(textsOf('header', options['header']).map(headerOf)),
    shape,
    spansPerRequest,
    spanBytes,
    seed: countOf('seed', options['seed'], 0xffff_ffff) ?? 1 + Math.floor(Math.random() * 0x7fff_ffff),
    senders: countOf('senders', options['senders'], MAX_SENDERS) ?? DEFAULT_SENDERS,
    rate: amountOf('rate', options['rate']) ?? Infinity,
    spans: spans ?? Number.MAX_SAFE_INTEGER,
    durationMs: duration ?? Infinity,
    overMs,
    verify: options['verify'] === undefined ? undefined : urlOf('verify', textOf('verify', options['verify'])!),
  }
}

/** `host:port` too. */
function urlOf(option: string, text: string): string {
  const url = /^[a-z]+:\/\//.test(text) ? text : `http://${text}`
  if (!URL.canParse(url) || !/^https?:$/.test(new URL(url).protocol)) {
    throw new SpoorError('option', `--${option}: "${text}" is not a URL, as http://127.0.0.1:4318`)
  }
  return url
}

function headerOf(text: string): [name: string, value: string] {
  const [, name, value] = /^([\w!#$%&'*+.^`|~-]+)[=:]\s*(.*)$/.exec(text) ?? []
  if (name === undefined || value === undefined) {
    throw new SpoorError('option', `--header: "${text}" is not NAME=VALUE`)
  }
  return [name.toLowerCase(), value]
}
