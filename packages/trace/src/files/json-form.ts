import { OtlpError, tracesFromJson } from '@spoor/otlp'
import { parseExact } from './exact-json.ts'
import type { Intake } from './intake.ts'
import { JaegerTraceReader } from './jaeger-json.ts'
import type { JsonContainer, Member } from './json-reader.ts'
import type { Place } from './place.ts'

/** Of OTLP/JSON that is no traces. */
const OTHERS: Readonly<Record<string, string>> = {
  resourceMetrics: 'metrics',
  resource_metrics: 'metrics',
  resourceLogs: 'logs',
  resource_logs: 'logs',
}

/**
 * What becomes of a JSON text: OTLP/JSON (`{"resourceSpans": […]}`, as `result` of Jaeger's `/api/v3` too), Jaeger's JSON (`{"data": [trace, …]}`, or one
 * trace), or an array of these.
 */
export function jsonForm(intake: Intake, place: Place): Member {
  return {
    object: new DocumentReader(intake, place),
    array: { member: (_, at) => ({ object: new DocumentReader(intake, at) }) },
  }
}

/** An object whose keys tell what it is. */
class DocumentReader implements JsonContainer {
  readonly #intake: Intake
  readonly #place: Place
  #isKnown = false
  #trace: JaegerTraceReader | undefined

  constructor(intake: Intake, place: Place) {
    this.#intake = intake
    this.#place = place
  }

  member(key: string, place: Place): Member | undefined {
    const member = this.#memberOf(key, place)
    if (member) this.#isKnown = true
    return member
  }

  end(): void {
    this.#trace?.end()
    if (this.#isKnown) return
    this.#intake.refuse('neither OTLP/JSON (resourceSpans) nor Jaeger’s JSON (data)', this.#place)
  }

  #memberOf(key: string, place: Place): Member | undefined {
    const intake = this.#intake
    switch (key) {
      case 'resourceSpans':
      case 'resource_spans':
        return { array: { member: () => ({ take: (text, at) => readResourceSpans(intake, text, at) }) } }
      case 'data':
        return { array: { member: (_, at) => ({ object: new JaegerTraceReader(intake, at) }) } }
      case 'result':
        return { object: new DocumentReader(intake, place) }
      case 'spans':
      case 'processes':
        this.#trace ??= new JaegerTraceReader(intake, this.#place)
        return this.#trace.member(key)
      default: {
        const what = OTHERS[key]
        return what === undefined ? undefined : { take: () => intake.other(what, place) }
      }
    }
  }
}

/** One element of `resourceSpans`. Where it cannot be read as a whole its spans are, one by one. */
function readResourceSpans(intake: Intake, text: string, place: Place): void {
  try {
    intake.request(
      tracesFromJson(`{"resourceSpans":[${text}]}`, () => {}),
      place,
    )
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    if (!readOneByOne(intake, text, place)) intake.refuse(reasonOf(error), place)
  }
}

interface Parts {
  readonly scopeSpans?: readonly { readonly spans?: readonly unknown[] }[]
}

/** False where what holds the spans is what cannot be read. */
function readOneByOne(intake: Intake, text: string, place: Place): boolean {
  let parts: Parts
  try {
    parts = parseExact(text) as Parts
    tracesFromJson(JSON.stringify({ resourceSpans: [{ ...parts, scopeSpans: scopesOf(parts).map(withoutSpans) }] }))
  } catch {
    return false
  }
  for (const scope of scopesOf(parts)) {
    for (const span of scope.spans ?? []) {
      const one = { resourceSpans: [{ ...parts, scopeSpans: [{ ...scope, spans: [span] }] }] }
      try {
        intake.request(
          tracesFromJson(JSON.stringify(one), () => {}),
          place,
        )
      } catch (error) {
        if (!(error instanceof OtlpError)) throw error
        intake.refuse(reasonOf(error), place, 1)
      }
    }
  }
  return true
}

const scopesOf = ({ scopeSpans }: Parts) => scopeSpans ?? []
const withoutSpans = (scope: object): object => ({ ...scope, spans: [] })

/** The path begins at what was made up around it. */
function reasonOf({ message }: OtlpError): string {
  return message.replace('resourceSpans[0].', '')
}
