import type { Database, Operation, Step } from './behaviour.ts'
import { isOld, messaging, runtime, type Description, type Setting } from './description.ts'
import { KIND, type Attributes } from './draft.ts'
import { describeEntry } from './entry-span.ts'
import { scopeOf } from './scope.ts'
import { fill, ORDER_KEY, pathOf, PRODUCT_KEY } from './subject.ts'

type Of<D extends Step['do']> = Extract<Step, { readonly do: D }>

/** The span in the caller of an operation. */
export function describeCall(operation: Operation, setting: Setting): Description {
  const { subject, random, instance } = setting
  const { entry, service } = operation
  if (entry.protocol === 'http') {
    const url = `http://${service}.market.svc/${pathOf(entry.route, subject, random).slice(1)}?locale=de-DE`
    return describeRequest(entry.method, url, setting, service)
  }
  const { attributes, name } = describeEntry(operation, setting, undefined)
  const { 'network.peer.port': _, ...kept } = attributes
  return { name, kind: KIND.client, scope: scopeOf(instance.service.language, 'grpc'), attributes: kept }
}

export const describeExternal = (step: Of<'external'>, setting: Setting): Description =>
  describeRequest(
    step.method,
    `https://${step.host}${fill(step.path, setting.subject, setting.random)}`,
    setting,
    undefined,
  )

function describeRequest(method: string, url: string, setting: Setting, peer: string | undefined): Description {
  const { language } = setting.instance.service
  const { random } = setting
  const host = new URL(url).host
  const attributes: Attributes = isOld(language)
    ? { 'http.method': method, 'http.url': url, 'net.peer.name': host, 'net.peer.port': 443, 'http.flavor': '1.1' }
    : {
        'http.request.method': method,
        'url.full': url,
        'server.address': host,
        'server.port': url.startsWith('https') ? 443 : 80,
        'network.peer.address': `10.43.${random.below(40)}.${random.below(250)}`,
        'network.protocol.version': '1.1',
        'http.response.body.size': 80 + random.below(60_000),
        ...(peer && random.chance(0.5) ? { 'peer.service': peer } : {}),
      }
  const name = language === 'webjs' ? 'resourceFetch' : `HTTP ${method}`
  return {
    name: language === 'python' ? method : name,
    kind: KIND.client,
    scope: scopeOf(language, 'http-client'),
    attributes,
  }
}

export function describeQuery(step: Of<'query'>, setting: Setting): Description {
  const { subject, random, instance } = setting
  const text = fill(step.text, subject, random)
  const operation =
    step.system === 'mongodb' ? 'find' : step.system === 'elasticsearch' ? 'search' : (text.split(' ')[0] ?? '')
  const name = step.system === 'redis' ? operation : `${operation} ${step.collection}`
  const attributes: Attributes = {
    'db.system.name': step.system,
    'db.query.text': text,
    'db.operation.name': operation,
    'server.address': `${step.system}-${random.below(3)}.market.svc`,
    'server.port': DATABASE_PORTS[step.system],
    ...(step.collection === '' ? {} : { 'db.collection.name': step.collection, 'db.namespace': instance.service.name }),
    ...(step.system === 'redis' ? {} : { 'db.response.returned_rows': random.below(40), 'db.query.summary': name }),
    ...runtime(setting),
  }
  return { name, kind: KIND.client, scope: scopeOf(instance.service.language, step.system), attributes }
}

const DATABASE_PORTS: Readonly<Record<Database, number>> = {
  postgresql: 5432,
  mysql: 3306,
  redis: 6379,
  mongodb: 27_017,
  elasticsearch: 9200,
}

export const describePublish = (step: Of<'publish'>, setting: Setting): Description => ({
  name: `send ${step.topic}`,
  kind: KIND.producer,
  scope: scopeOf(setting.instance.service.language, step.system),
  attributes: {
    ...messaging(step.system, step.topic, setting),
    'messaging.operation.type': 'send',
    [ORDER_KEY]: setting.subject.order,
  },
})

export const describeWork = (step: Of<'work'>, { subject, instance, random }: Setting): Description => ({
  name: step.name,
  kind: KIND.internal,
  scope: scopeOf(instance.service.language, 'app'),
  attributes: {
    'code.function.name': step.name,
    ...(random.chance(0.5) ? { [PRODUCT_KEY]: subject.product } : {}),
    ...(random.chance(0.3)
      ? { 'app.score': random.uint32() / 0x1_0000_0000, 'app.cache.hit': random.chance(0.7) }
      : {}),
  },
})
