import { freeBytes } from '@spoor/collector'
import {
  type AnyValue,
  decodeTraces,
  encodeKeyValue,
  encodeSpan,
  encodeTraces,
  type KeyValue,
  type Resource,
  type ResourceSpans,
  type Span,
  splitSpans,
} from '@spoor/otlp'
import { WARNINGS } from '@spoor/trace/files'
import { adjustAttributes, type Adjuster, sorted } from './adjust.ts'
import { type AheadOptions, readAhead } from './read-ahead.ts'

/** Spans that are decoded in one go: some milliseconds. */
const SPANS_AT_ONCE = 500
/** What tells of a library belongs to the resource, wherever a sender has put it. */
const LIBRARY_KEYS: ReadonlySet<string> = new Set([
  'telemetry.sdk.language',
  'telemetry.sdk.name',
  'telemetry.sdk.version',
  'telemetry.distro.name',
  'telemetry.distro.version',
])

/**
 * A trace as Jaeger's `/api/v3` shows it where it is not asked for as it came: serialized `TracesData`, adjusted as in `adjust.ts`, attributes of resources and scopes by key, too. Warnings stand in an attribute of the span,
 * as Jaeger has it. Unknown fields of the protobuf do not stay.
 *
 * @param chunks serialized `TracesData` of one trace that together are one message
 *
 * Source: jaeger v2.20, `jaegerquery/internal/adjuster/standard.go`.
 */
export async function* adjustedOtlp(
  chunks: AsyncIterable<Uint8Array>,
  traceId: string,
  options: AheadOptions,
): AsyncGenerator<Uint8Array> {
  const { adjuster, warning, again, free } = await readAhead(chunks, traceId, options)
  const adjusting = new Adjusting(adjuster, warning)
  try {
    for await (const chunk of again) {
      for (const part of splitSpans(chunk, SPANS_AT_ONCE)) {
        const resourceSpans = decodeTraces(part).resourceSpans.map((each) => adjusting.adjust(each))
        const bytes = encodeTraces({ resourceSpans: resourceSpans.filter(({ scopeSpans }) => scopeSpans.length > 0) })
        if (bytes.length > 0) yield bytes
      }
      freeBytes(chunk)
    }
  } finally {
    free()
  }
}

class Adjusting {
  readonly #adjuster: Adjuster
  /** By resource. */
  readonly #processes = new Map<string, number>()
  /** Told with the first span. */
  #warning: string | undefined

  constructor(adjuster: Adjuster, warning: string | undefined) {
    this.#adjuster = adjuster
    this.#warning = warning
  }

  adjust({ resource, scopeSpans, ...rest }: ResourceSpans): ResourceSpans {
    const process = this.#processOf(resource)
    const moved = new Map(adjustAttributes(resource.attributes).map((each) => [each.key, each] as const))
    const adjusted = scopeSpans.map(({ scope, spans, ...ofScope }) => ({
      ...ofScope,
      scope: { ...scope, attributes: sorted(scope.attributes) },
      spans: spans.flatMap((span) => this.#span(span, process, moved)),
    }))
    return {
      ...rest,
      resource: { ...resource, attributes: [...moved.values()] },
      scopeSpans: adjusted.filter(({ spans }) => spans.length > 0),
    }
  }

  #span(span: Span, process: number, ofResource: Map<string, KeyValue>): Span[] {
    const found = this.#adjuster.adjust(span, () => encodeSpan(span), process)
    if (!found) return []
    const warnings = [...found.warnings]
    if (this.#warning !== undefined) warnings.unshift(this.#warning)
    this.#warning = undefined
    const attributes = found.span.attributes.filter((attribute) => {
      if (!LIBRARY_KEYS.has(attribute.key)) return true
      const known = ofResource.get(attribute.key)
      if (!known) ofResource.set(attribute.key, attribute)
      else if (!isSame(known, attribute)) {
        warnings.push(`conflicting values between Span and Resource for attribute ${attribute.key}`)
        return true
      }
      return false
    })
    return [{ ...found.span, attributes: warnings.length > 0 ? withWarnings(attributes, warnings) : attributes }]
  }

  #processOf(resource: Resource): number {
    const bytes = encodeTraces({ resourceSpans: [{ resource, schemaUrl: '', scopeSpans: [] }] })
    const key = Buffer.from(bytes).toString('latin1')
    const number = this.#processes.get(key) ?? this.#processes.size
    this.#processes.set(key, number)
    return number
  }
}

function isSame(a: KeyValue, b: KeyValue): boolean {
  return Buffer.compare(encodeKeyValue(a), encodeKeyValue(b)) === 0
}

/** Behind those that were sent. */
function withWarnings(attributes: readonly KeyValue[], warnings: readonly string[]): KeyValue[] {
  const sent = attributes.find(({ key }) => key === WARNINGS)?.value
  const values: AnyValue[] = warnings.map((value) => ({ type: 'string', value }))
  const value: AnyValue = { type: 'array', value: [...(sent?.type === 'array' ? sent.value : []), ...values] }
  return [...attributes.filter(({ key }) => key !== WARNINGS), { key: WARNINGS, value }]
}
