/**
 * The name of a span as the semantic conventions have it, for spans that an SDK or proxy has named with what differs from one to the next (a path with
 * ids in it). Source: opentelemetry.io, semantic conventions 1.37 to 1.43 for HTTP, RPC, databases and messaging; the names of attributes before them
 * count, too.
 */
import type { AnyValue, SpanView } from '@spoor/otlp'
import { valueText } from '../../processor-helper/index.ts'
import { EvaluationError } from '../error.ts'
import { defineFunction } from '../function.ts'
import { optional, writtenString } from '../parameters.ts'

const [SERVER, CLIENT, PRODUCER, CONSUMER] = [2, 3, 4, 5]

type Attribute = (...names: readonly string[]) => string | undefined

/** The text of the first that is there. */
function reader({ attributes }: SpanView): Attribute {
  return (...names) => {
    for (const name of names) {
      const value = attributes.get(name)
      if (value) return valueText(value)
    }
    return undefined
  }
}

function isTrue(value: AnyValue | undefined): boolean {
  return value?.type === 'bool' && value.value
}

/** Those that there are, with a space between them. */
function joined(...parts: readonly (string | undefined)[]): string | undefined {
  return parts.some(Boolean) ? parts.filter(Boolean).join(' ') : undefined
}

function ofHttp(attribute: Attribute, subject: string): string | undefined {
  const method = attribute('http.request.method', 'http.method')
  if (method === undefined) return undefined
  const what = attribute(subject)
  return what === undefined ? method : `${method} ${what}`
}

function ofRpc(attribute: Attribute): string | undefined {
  const system = attribute('rpc.system.name', 'rpc.system')
  if (system === undefined) return undefined
  const method = attribute('rpc.method', 'rpc.grpc.method')
  const service = attribute('rpc.service', 'rpc.grpc.service')
  if (service === undefined) return method ?? system
  return `${service}/${method ?? '*'}`
}

function serverOf(attribute: Attribute): string | undefined {
  const address = attribute('server.address')
  const port = attribute('server.port')
  return address === undefined || port === undefined ? address : `${address}:${port}`
}

function ofDatabase(attribute: Attribute): string | undefined {
  const system = attribute('db.system.name', 'db.system')
  if (system === undefined) return undefined
  const summary = attribute('db.query.summary')
  if (summary !== undefined) return summary
  const namespace = attribute('db.namespace', 'db.name')
  const object = attribute('db.collection.name', 'db.stored_procedure.name')
  const within = object !== undefined && namespace ? `${namespace}.${object}` : object
  const target = within ?? (namespace || serverOf(attribute))
  return joined(attribute('db.operation.name', 'db.operation'), target) ?? system
}

function destinationOf({ attributes }: SpanView, attribute: Attribute): string | undefined {
  if (isTrue(attributes.get('messaging.destination.temporary'))) return '(temporary)'
  if (isTrue(attributes.get('messaging.destination.anonymous'))) return '(anonymous)'
  return (
    attribute('messaging.destination.template', 'messaging.destination.name', 'messaging.destination') ??
    serverOf(attribute)
  )
}

function ofMessaging(span: SpanView, attribute: Attribute): string | undefined {
  const system = attribute('messaging.system')
  if (system === undefined) return undefined
  const operation = attribute('messaging.operation.name', 'messaging.operation')
  const destination = destinationOf(span, attribute)
  if (!destination) return operation ?? system
  return operation === undefined ? destination : `${operation} ${destination}`
}

/** Undefined where no convention says what it is called. */
function conventionalName(span: SpanView): string | undefined {
  const attribute = reader(span)
  switch (span.kind) {
    case SERVER:
      return ofHttp(attribute, 'http.route') || ofRpc(attribute) || ofMessaging(span, attribute)
    case CLIENT:
      return (
        ofHttp(attribute, 'url.template') || ofRpc(attribute) || ofDatabase(attribute) || ofMessaging(span, attribute)
      )
    case PRODUCER:
    case CONSUMER:
      return ofMessaging(span, attribute)
    default:
      return undefined
  }
}

const [MIN_MINOR, MAX_MINOR] = [37, 43]
const VERSION = /^v?(\d+)(?:\.(\d+))?(?:\.(\d+))?(-[\w.-]+)?(?:\+[\w.-]+)?$/

/** All of them give the same names; one that is not known may not. */
function checkVersion(text: string): void {
  const [all, major, minor = '0', patch = '0', before] = VERSION.exec(text) ?? []
  if (all === undefined)
    throw new EvaluationError(`${JSON.stringify(text)} is no version of the semantic conventions, like "1.37.0"`)
  const isBefore = before !== undefined && Number(minor) === MIN_MINOR && Number(patch) === 0
  const isAfter = Number(minor) === MAX_MINOR && Number(patch) > 0
  if (Number(major) !== 1 || Number(minor) < MIN_MINOR || Number(minor) > MAX_MINOR || isBefore || isAfter)
    throw new EvaluationError(
      `the version ${JSON.stringify(text)} is not supported: it is from 1.${MIN_MINOR}.0 to 1.${MAX_MINOR}.0`,
    )
}

export const SPAN_NAMES = [
  defineFunction(
    'set_semconv_span_name',
    { semconvVersion: writtenString, originalSpanNameAttribute: optional(writtenString) },
    ({ semconvVersion, originalSpanNameAttribute: kept }) => {
      checkVersion(semconvVersion)
      if (kept === '') throw new EvaluationError('the attribute for the name that it had needs a name')
      return ({ span }) => {
        const name = conventionalName(span) || span.name
        if (name === span.name) return undefined
        if (kept !== undefined) span.attributes.set(kept, { type: 'string', value: span.name })
        span.name = name
        return undefined
      }
    },
    ['span'],
  ),
]
