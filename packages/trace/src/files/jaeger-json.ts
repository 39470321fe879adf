import { decodeTraces, encodeTraces, type Resource, type ScopeSpans, type Span } from '@spoor/otlp'
import type { JaegerProcess, JaegerSpan } from './jaeger-model.ts'
import { parseExact } from './exact-json.ts'
import type { Intake } from './intake.ts'
import { JaegerProblem, readJaegerProcess, readJaegerSpan } from './jaeger-span.ts'
import type { JsonContainer, Member } from './json-reader.ts'
import type { Place } from './place.ts'

/** Spans that are made one message. */
const MESSAGE_SPANS = 512
/** Bytes of spans that are held until it is known of which processes they are, which stands behind them. */
const MAX_HELD_BYTES = 256 << 20

/** Spans of one process that are not yet a message. */
interface Waiting {
  readonly scopes: Map<string, { readonly scope: ScopeSpans['scope']; readonly spans: Span[] }>
  count: number
}

/** Reads one trace of Jaeger's JSON while it comes: `{"traceID", "spans": […], "processes": {…}, "warnings"}`. */
export class JaegerTraceReader implements JsonContainer {
  readonly #intake: Intake
  readonly #waiting = new Map<string, Waiting>()
  /** Messages without their resource. */
  readonly #held: { readonly process: string; readonly bytes: Uint8Array; readonly place: Place }[] = []
  #heldBytes = 0
  #processes: ReadonlyMap<string, Resource> | undefined
  #place: Place

  constructor(intake: Intake, place: Place) {
    this.#intake = intake
    this.#place = place
  }

  member(key: string): Member | undefined {
    switch (key) {
      case 'spans':
        return { array: { member: () => ({ take: (text, place) => this.#span(text, place) }) } }
      case 'processes':
        return { take: (text, place) => this.#readProcesses(text, place) }
      default:
        return undefined
    }
  }

  end(): void {
    for (const process of this.#waiting.keys()) this.#hold(process)
    this.#giveHeld()
  }

  #span(text: string, place: Place): void {
    this.#place = place
    let process: string
    let count: number
    try {
      const json = parseExact(text) as JaegerSpan | null
      if (typeof json !== 'object' || json === null) throw new JaegerProblem('a span that is no object')
      process = json.processID
      count = this.#wait(process, json)
    } catch (error) {
      if (error instanceof SyntaxError) this.#intake.refuse(`not JSON: ${error.message}`, place, 1)
      else if (error instanceof JaegerProblem) this.#intake.refuse(error.message, place, 1)
      else throw error
      return
    }
    if (count >= MESSAGE_SPANS) this.#hold(process)
  }

  #wait(process: string, json: JaegerSpan): number {
    const { scope, span } = readJaegerSpan(json)
    let waiting = this.#waiting.get(process)
    if (!waiting) this.#waiting.set(process, (waiting = { scopes: new Map(), count: 0 }))
    const key = JSON.stringify([scope.name, scope.version])
    const known = waiting.scopes.get(key)
    if (known) known.spans.push(span)
    else waiting.scopes.set(key, { scope, spans: [span] })
    return ++waiting.count
  }

  #readProcesses(text: string, place: Place): void {
    try {
      const json = parseExact(text) as Readonly<Record<string, JaegerProcess>> | null
      this.#processes = new Map(Object.entries(json ?? {}).map(([id, process]) => [id, readJaegerProcess(process)]))
    } catch (error) {
      if (!(error instanceof SyntaxError || error instanceof JaegerProblem)) throw error
      this.#intake.refuse(`processes: ${error.message}; their spans are taken without`, place, 0)
    }
  }

  /** Makes a message of the spans of a process that wait. */
  #hold(process: string): void {
    const waiting = this.#waiting.get(process)
    if (!waiting || waiting.count === 0) return
    this.#waiting.delete(process)
    const scopeSpans = [...waiting.scopes.values()].map((each) => ({ ...each, schemaUrl: '' }))
    const resource = { attributes: [], droppedAttributesCount: 0 }
    const bytes = encodeTraces({ resourceSpans: [{ resource, schemaUrl: '', scopeSpans }] })
    if (this.#heldBytes + bytes.length > MAX_HELD_BYTES) {
      const reason = `a trace of more than ${MAX_HELD_BYTES >> 20} MiB of spans before its processes; export it as OTLP`
      this.#intake.refuse(reason, this.#place, waiting.count)
      return
    }
    this.#held.push({ process, bytes, place: this.#place })
    this.#heldBytes += bytes.length
    if (this.#processes) this.#giveHeld()
  }

  #giveHeld(): void {
    for (const { process, bytes, place } of this.#held.splice(0)) {
      const resource = this.#processes?.get(process) ?? readJaegerProcess(undefined)
      const resourceSpans = decodeTraces(bytes).resourceSpans.map((each) => ({ ...each, resource }))
      this.#intake.request(encodeTraces({ resourceSpans }), place)
    }
    this.#heldBytes = 0
  }
}
