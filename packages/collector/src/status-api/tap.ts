/**
 * The next items at an edge of the graph, as lines of OTLP/JSON: each a request with one item, its resource and its scope. A tap ends when it has
 * enough, when its reader leaves, and after ten minutes; a reader that is slower than the data misses some, which is told at the end.
 */
import { Readable } from 'node:stream'
import { extractItems, indexItems, requestToJson, type Signal, type TelemetryBatch } from '@spoor/otlp'
import type { Edge } from '../component/index.ts'

interface TapOptions {
  /** Items, 1 to {@link MAX_ITEMS}. Default 10. */
  readonly count: number
  /** Keys of attributes whose values are not shown, whatever they are on. */
  readonly redact: ReadonlySet<string>
}

const MAX_ITEMS = 1_000
const DEFAULT_ITEMS = 10
/** Taps at a time, so that looking stays cheap. */
const MAX_TAPS = 4
const LONGEST_MS = 600_000
/** Bytes that wait for a slow reader; what comes beyond is left out. */
const MAX_WAITING_BYTES = 1024 * 1024
/** An empty line now and then, so that nobody on the way takes a quiet edge for a dead connection. */
const SIGN_OF_LIFE_MS = 15_000
const REDACTED = { stringValue: '[REDACTED]' }

/** Of the query `count=…&redact=key,…`. Undefined where the count is none. */
function tapOptions(query: URLSearchParams): TapOptions | undefined {
  const count = Number(query.get('count') ?? DEFAULT_ITEMS)
  if (!Number.isInteger(count) || count < 1 || count > MAX_ITEMS) return undefined
  const keys = query.getAll('redact').flatMap((text) => text.split(','))
  return { count, redact: new Set(keys.map((key) => key.trim()).filter((key) => key !== '')) }
}

/** `open`: begins to look, and gives what ends it. */
function createTap(
  open: (look: (batch: TelemetryBatch) => void) => () => void,
  { count, redact }: TapOptions,
): Readable {
  let left = count
  let missed = 0
  const stream = new Readable({
    highWaterMark: MAX_WAITING_BYTES,
    read() {},
    destroy(error, done) {
      end()
      done(error)
    },
  })
  const close = open((batch) => look(batch))
  const timer = setTimeout(() => finish(), LONGEST_MS).unref()
  const alive = setInterval(() => stream.push('\n'), SIGN_OF_LIFE_MS).unref()
  // So that whoever reads gets an answer before the first item comes.
  stream.push('\n')
  return stream

  function look(batch: TelemetryBatch): void {
    try {
      for (const { bytes } of batch.chunks) {
        const index = indexItems(batch.signal, bytes, 16)
        for (let row = 0; row < index.count; row++) {
          if (stream.readableLength > MAX_WAITING_BYTES) {
            missed += index.count - row
            break
          }
          stream.push(lineOf(batch.signal, extractItems(bytes, [row], index)))
          left--
          if (left === 0) return finish()
        }
      }
    } catch (error) {
      // What goes through is not to suffer from being looked at.
      stream.destroy(error as Error)
    }
  }

  function lineOf(signal: Signal, bytes: Uint8Array): string {
    const request = requestToJson(signal, bytes)
    if (redact.size > 0) hide(request, redact)
    return `${JSON.stringify(request)}\n`
  }

  function finish(): void {
    if (missed > 0) stream.push(`${JSON.stringify({ missed })}\n`)
    stream.push(null)
    end()
  }

  function end(): void {
    clearTimeout(timer)
    clearInterval(alive)
    close()
  }
}

/** Every attribute of these keys in it: of resource, scope, item, event and link, and within values. */
function hide(value: unknown, keys: ReadonlySet<string>): void {
  if (Array.isArray(value)) for (const inner of value) hide(inner, keys)
  else if (typeof value === 'object' && value !== null) {
    const object = value as { key?: unknown; value?: unknown }
    if (typeof object.key === 'string' && keys.has(object.key) && 'value' in object) object.value = REDACTED
    else for (const inner of Object.values(object)) hide(inner, keys)
  }
}

/** What is answered to whoever wants to look: the edges where nobody is named, else the items at one. */
export type TapAnswer =
  | { readonly status: 200; readonly edges: readonly Edge[] }
  | { readonly status: 200; readonly items: Readable }
  | { readonly status: 400 | 404 | 503; readonly message: string }

export interface Tappable {
  edges(): readonly Edge[]
  tap(id: string, look: (batch: TelemetryBatch) => void): (() => void) | undefined
}

export interface TapDesk {
  answer(query: URLSearchParams): TapAnswer
  /** Ends all taps. */
  close(): void
}

/** Answers queries `edge=…&count=…&redact=…`. */
export function createTapDesk(graph: Tappable): TapDesk {
  const taps = new Set<Readable>()
  function answer(query: URLSearchParams): TapAnswer {
    const id = query.get('edge')
    const edges = graph.edges()
    if (id === null) return { status: 200, edges }
    const options = tapOptions(query)
    if (!options) return { status: 400, message: `count: not a number of items, 1 to ${MAX_ITEMS}` }
    if (!edges.some((edge) => edge.id === id)) {
      const known = edges.map((edge) => edge.id).join(', ')
      return { status: 404, message: `there is no edge ${JSON.stringify(id.slice(0, 200))}; there are: ${known}` }
    }
    if (taps.size >= MAX_TAPS)
      return { status: 503, message: `${MAX_TAPS} others are looking already; try again later` }
    const items = createTap((look) => graph.tap(id, look) ?? (() => {}), options)
    taps.add(items)
    items.once('close', () => taps.delete(items))
    return { status: 200, items }
  }
  return { answer, close: () => taps.forEach((items) => items.push(null)) }
}
