/** Exceptions: the events of that name that spans have. What is in a span without one is not read. */
import { editRequest, type AnyValue, type KeyValue, type Scope, type TelemetryBatch } from '@spoor/otlp'
import { SPAN_KINDS, STATUS_CODES } from '../../connector-helper/index.ts'

const EVENT = 'exception'

export interface Exception {
  readonly service: string
  readonly spanName: string
  readonly spanKind: string
  readonly statusCode: string
  /** Hex. */
  readonly traceId: string
  readonly spanId: string
  /** Nanoseconds since 1970. */
  readonly timeUnixNano: bigint
  readonly span: readonly KeyValue[]
  readonly event: readonly KeyValue[]
  readonly resource: readonly KeyValue[]
}

/** Those of one scope. */
export interface ScopeExceptions {
  readonly scope: Scope
  readonly exceptions: Exception[]
}

/** By scope, in the order in which they came. Those of resources without a service are left out. Throws {@link OtlpError}. */
export function findExceptions({ chunks }: TelemetryBatch): ScopeExceptions[] {
  const found: ScopeExceptions[] = []
  let service: string | undefined
  let ofScope: Exception[] | undefined
  for (const { bytes } of chunks) {
    editRequest('traces', bytes, {
      resource({ attributes }) {
        service = attributes.has('service.name') ? (attributes.text('service.name') ?? '') : undefined
      },
      scope: () => void (ofScope = undefined),
      item(span, scope, resource) {
        if (service === undefined || span.eventCount === 0) return
        const owner = service
        span.forEachEvent((event) => {
          if (event.name !== EVENT) return
          if (!ofScope) {
            const { name, version, attributes, droppedAttributesCount } = scope
            ofScope = []
            found.push({
              scope: { name, version, attributes: attributes.toArray(), droppedAttributesCount },
              exceptions: ofScope,
            })
          }
          ofScope.push({
            service: owner,
            spanName: span.name,
            spanKind: SPAN_KINDS[span.kind] ?? '',
            statusCode: STATUS_CODES[span.statusCode] ?? '',
            traceId: span.traceId,
            spanId: span.spanId,
            timeUnixNano: event.timeUnixNano,
            span: span.attributes.toArray(),
            event: event.attributes.toArray(),
            resource: resource.attributes.toArray(),
          })
        })
      },
    })
  }
  return found
}

/** What every metric and every log has. */
export function usualOf({ service, spanName, spanKind, statusCode }: Exception): [key: string, value: string][] {
  return [
    ['service.name', service],
    ['span.name', spanName],
    ['span.kind', spanKind],
    ['status.code', statusCode],
  ]
}

export interface Dimension {
  readonly name: string
  readonly usual: AnyValue | undefined
}

/** Of the span, else of the event, else of the resource, else its default. */
export function valueOfDimension({ name, usual }: Dimension, exception: Exception): AnyValue | undefined {
  for (const attributes of [exception.span, exception.event, exception.resource])
    for (const attribute of attributes) if (attribute.key === name) return attribute.value
  return usual
}
