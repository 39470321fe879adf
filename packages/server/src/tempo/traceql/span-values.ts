import { valueToJsonText, type AnyValue, type KeyValue } from '@spoor/otlp'
import { serviceOf, type TraceSpan } from '../trace-spans.ts'
import { isServiceName } from './condition.ts'
import type { AttributeTarget, Scope, Target, Value } from './ast.ts'
import { KINDS, STATUSES } from './intrinsics.ts'

/** What is known of a trace as a whole. Nanoseconds. */
export interface TraceFacts {
  readonly traceId: string
  readonly rootName: string
  readonly rootService: string
  readonly durationNs: number
}

/** The order in which an attribute is looked for whose scope is not named. */
const ANYWHERE = ['span', 'resource', 'event', 'link', 'instrumentation'] as const

/** The attributes of a scope. */
function attributesOf({ span, resource, scope }: TraceSpan, of: Exclude<Scope, 'none'>): readonly KeyValue[] {
  switch (of) {
    case 'span':
      return span.attributes
    case 'resource':
      return resource.attributes
    case 'event':
      return span.events.flatMap((event) => event.attributes)
    case 'link':
      return span.links.flatMap((link) => link.attributes)
    default:
      return scope.attributes
  }
}

/** The attributes of this name, those of the span first. */
export function attributesAt({ scope, name }: AttributeTarget, span: TraceSpan): readonly KeyValue[] {
  const scopes = scope === 'none' ? ANYWHERE : [scope]
  return scopes.flatMap((one) => attributesOf(span, one).filter(({ key }) => key === name))
}

/** The values that a filter compares: none, one, or several. */
export function valuesOf(target: Target, span: TraceSpan, trace: TraceFacts): readonly Value[] {
  if (target.op === 'intrinsic') return fieldsOf(target.name, span, trace)
  if (!target.parent) return attributeValues(target, span)
  const above = span.node.parent?.own
  return above ? attributeValues(target, above) : []
}

function attributeValues(target: AttributeTarget, span: TraceSpan): readonly Value[] {
  if (isServiceName(target.scope, target.name)) return [serviceOf(span)]
  return attributesAt(target, span).map(({ value }) => valueOf(value))
}

/** As filters compare it: what is neither text nor a number by its text form. */
function valueOf(value: AnyValue): Value {
  switch (value.type) {
    case 'string':
    case 'int':
    case 'double':
      return value.value
    case 'bytes':
      return Buffer.from(value.value).toString('base64')
    case 'empty':
      return ''
    case 'bool':
      return String(value.value)
    default:
      return valueToJsonText(value)
  }
}

function fieldsOf(
  name: Extract<Target, { op: 'intrinsic' }>['name'],
  { span, scope, node }: TraceSpan,
  trace: TraceFacts,
): readonly Value[] {
  switch (name) {
    case 'name':
      return [span.name]
    case 'status':
      return [STATUSES[span.status.code] ?? String(span.status.code)]
    case 'statusMessage':
      return [span.status.message]
    case 'kind':
      return [KINDS[span.kind] ?? String(span.kind)]
    case 'duration':
      return [Number(span.endTimeUnixNano - span.startTimeUnixNano)]
    case 'parent':
      return []
    case 'childCount':
      return [node.children]
    case 'traceDuration':
      return [trace.durationNs]
    case 'rootName':
      return [trace.rootName]
    case 'rootServiceName':
      return [trace.rootService]
    case 'nestedSetLeft':
      return [node.left]
    case 'nestedSetRight':
      return [node.right]
    case 'nestedSetParent':
      return [node.above]
    case 'trace:id':
      return [span.traceId]
    case 'span:id':
      return [span.spanId]
    case 'span:parentID':
      return [span.parentSpanId]
    case 'event:name':
      return span.events.map((event) => event.name).filter((own) => own !== '')
    case 'event:timeSinceStart':
      return span.events.map(({ timeUnixNano }) => Number(timeUnixNano - span.startTimeUnixNano))
    case 'link:traceID':
      return span.links.map((link) => link.traceId)
    case 'link:spanID':
      return span.links.map((link) => link.spanId)
    case 'instrumentation:name':
      return [scope.name]
    default:
      return [scope.version]
  }
}
