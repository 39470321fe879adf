import type { KeyValue } from '@spoor/otlp'

/** What tells most of a span, by what it is about, in this order: what went wrong, then what it did, to whom, how much. Names of the semantic conventions, old ones too. */
const first = [
  'error.type',
  'exception.type',
  'exception.message',
  'exception.stacktrace',
  'http.request.method',
  'http.method',
  'http.route',
  'url.full',
  'http.url',
  'url.path',
  'http.target',
  'http.response.status_code',
  'http.status_code',
  'rpc.system',
  'rpc.service',
  'rpc.method',
  'rpc.grpc.status_code',
  'db.system.name',
  'db.system',
  'db.namespace',
  'db.collection.name',
  'db.operation.name',
  'db.query.text',
  'db.statement',
  'messaging.system',
  'messaging.destination.name',
  'messaging.operation.name',
  'messaging.batch.message_count',
  'messaging.message.id',
  'gen_ai.operation.name',
  'gen_ai.request.model',
  'gen_ai.response.model',
  'gen_ai.usage.input_tokens',
  'gen_ai.usage.output_tokens',
  'gen_ai.response.finish_reasons',
  'server.address',
  'service.name',
  'service.version',
  'service.instance.id',
  'deployment.environment.name',
  'host.name',
  'k8s.pod.name',
]
const rank = new Map(first.map((key, index) => [key, index]))

/** Attributes that are about one thing. */
export interface AttributeGroup {
  /** What their keys have in common: `http`; '' for what matters most, and for what stands alone. */
  readonly prefix: string
  readonly attributes: readonly KeyValue[]
}

/** What matters most first, then the others by the first part of their keys. A key that a sender has repeated is there as often. */
export function attributeGroups(attributes: readonly KeyValue[]): readonly AttributeGroup[] {
  const byKey = (a: KeyValue, b: KeyValue) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  const top = attributes.filter(({ key }) => rank.has(key)).toSorted((a, b) => rank.get(a.key)! - rank.get(b.key)!)
  const rest = Map.groupBy(
    attributes.filter(({ key }) => !rank.has(key)).toSorted(byKey),
    ({ key }) => key.split('.', 1)[0]!,
  )
  const groups: AttributeGroup[] = top.length > 0 ? [{ prefix: '', attributes: top }] : []
  const alone: KeyValue[] = []
  for (const [prefix, attributes] of rest) {
    if (attributes.length > 1) groups.push({ prefix, attributes })
    else alone.push(...attributes)
  }
  if (alone.length > 0) groups.push({ prefix: '', attributes: alone })
  return groups
}
