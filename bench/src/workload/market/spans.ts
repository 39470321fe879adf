import type { Random } from '../random.ts'
import type { Database, Messaging, Operation, Step } from './behaviour.ts'
import { KIND, type Attributes, type Scope, type SpanDraft } from './draft.ts'
import type { Instance } from './instance.ts'
import type { Language } from './services.ts'
import { fill, hex, ORDER_KEY, pathOf, PRODUCT_KEY, TENANT_KEY, type Subject } from './subject.ts'

/** What a span is called and says, before anything has happened in it: after the semantic conventions for its kind. */
export type Description = Pick<SpanDraft, 'name' | 'kind' | 'scope' | 'attributes'>

type Of<D extends Step['do']> = Extract<Step, { readonly do: D }>

/** Where the values come from. */
export interface Setting {
  readonly subject: Subject
  readonly instance: Instance
  readonly random: Random
}

/** The span of an operation itself. `caller`: who calls it; undefined when nobody whom we know does. */
export function describeEntry(operation: Operation, setting: Setting, caller: Instance | undefined): Description {
  const { subject, random, instance } = setting
  const { entry, service, name } = operation
  const { language, port } = instance.service
  switch (entry.protocol) {
    case 'http': {
      const path = pathOf(entry.route, subject, random)
      const common = { ...business(path, setting), ...runtime(setting) }
      // Some libraries still follow the conventions of 2022.
      const attributes: Attributes = isOld(language)
        ? {
            'http.method': entry.method,
            'http.target': path,
            'http.route': entry.route,
            'http.scheme': 'http',
            'http.host': `${service}.market.svc:${port}`,
            'http.flavor': '1.1',
            'http.user_agent': caller ? userAgent(caller.service.language) : subject.agent,
            'net.peer.ip': caller?.address ?? subject.client,
            'net.peer.port': 32_768 + random.below(28_000),
            'net.host.port': port,
            ...common,
          }
        : {
            'http.request.method': entry.method,
            'url.path': path,
            'url.scheme': 'http',
            'http.route': entry.route,
            'server.address': `${service}.market.svc`,
            'server.port': port,
            'client.address': subject.client,
            'network.peer.address': caller?.address ?? subject.client,
            'network.peer.port': 32_768 + random.below(28_000),
            'network.protocol.version': '1.1',
            'user_agent.original': caller ? userAgent(caller.service.language) : subject.agent,
            ...(service === 'edge-proxy'
              ? {
                  'http.request.header.x-request-id': [subject.session],
                  component: 'proxy',
                  upstream_cluster: 'outbound|8080||api',
                }
              : {}),
            ...common,
          }
      return { name, kind: KIND.server, scope: scopeOf(language, 'http'), attributes }
    }
    case 'grpc': {
      const [rpcService, method] = name.split('/')
      const attributes = {
        'rpc.system': 'grpc',
        'rpc.service': `market.${service.replaceAll('-', '')}.v1.${rpcService}`,
        'rpc.method': method ?? '',
        'server.address': `${service}.market.svc`,
        'server.port': port,
        'network.peer.address': caller?.address ?? subject.client,
        'network.peer.port': 32_768 + random.below(28_000),
        ...business('', setting),
        ...runtime(setting),
      }
      return {
        name: `market.${service.replaceAll('-', '')}.v1.${name}`,
        kind: KIND.server,
        scope: scopeOf(language, 'grpc'),
        attributes,
      }
    }
    case 'message':
      return {
        name,
        kind: KIND.consumer,
        scope: scopeOf(language, entry.system),
        attributes: {
          ...messaging(entry.system, entry.topic, setting),
          'messaging.operation.type': 'process',
          'messaging.operation.name': 'process',
          'messaging.consumer.group.name': `${service}-consumers`,
          ...(entry.batch ? {} : { [ORDER_KEY]: subject.order, [TENANT_KEY]: subject.tenant }),
          ...runtime(setting),
        },
      }
    case 'page':
      return {
        name,
        kind: KIND.internal,
        scope: scopeOf(language, name === 'documentLoad' ? 'document-load' : 'user-interaction'),
        attributes: {
          'url.full': `https://www.market.example/de/p/${subject.product}?utm_source=newsletter&session=${subject.session}`,
          'http.user_agent': subject.agent,
          'session.id': subject.session,
          'browser.viewport.width': random.pick([390, 1280, 1512, 1920, 2560]),
          'app.search.query': subject.query,
          'enduser.id': subject.user,
          [TENANT_KEY]: subject.tenant,
        },
      }
    default:
      return {
        name,
        kind: KIND.internal,
        scope: scopeOf(language, 'app'),
        attributes: {
          'code.function.name': `com.market.jobs.${name}`,
          'job.system': 'spring_scheduling',
          'job.run.id': subject.session,
        },
      }
  }
}

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

export function describeQuery(step: Of<'query'>, { subject, random, instance }: Setting): Description {
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
    ...(instance.service.language === 'java'
      ? { 'thread.id': 20 + random.below(200), 'thread.name': `http-nio-8080-exec-${random.below(200)}` }
      : {}),
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

function messaging(system: Messaging, topic: string, { subject, random }: Setting): Attributes {
  return {
    'messaging.system': system,
    'messaging.destination.name': topic,
    'messaging.message.id': `${hex(random, 8)}-${subject.session.slice(9)}`,
    'messaging.message.body.size': 300 + random.below(4000),
    ...(system === 'kafka'
      ? {
          'messaging.kafka.offset': 88_000_000 + random.below(9_000_000),
          'messaging.destination.partition.id': String(random.below(24)),
          'messaging.kafka.message.key': subject.order,
        }
      : { 'server.address': `${system}.market.svc`, 'messaging.rabbitmq.destination.routing_key': topic }),
  }
}

/** GenAI: a model's answer, an embedding, a tool. The tokens are counted when it has answered. */
export function describeModel(step: Of<'model'>, { subject, random, instance }: Setting): Description {
  const common = { 'gen_ai.operation.name': step.operation, 'gen_ai.conversation.id': subject.session }
  const scope = scopeOf(instance.service.language, 'gen_ai')
  if (step.operation === 'execute_tool') {
    return {
      name: `execute_tool ${step.model}`,
      kind: KIND.internal,
      scope,
      attributes: {
        ...common,
        'gen_ai.tool.name': step.model,
        'gen_ai.tool.call.id': `call_${hex(random, 8)}${hex(random, 8)}`,
        'gen_ai.tool.call.arguments': JSON.stringify({ query: subject.query, user: subject.user, limit: 10 }),
      },
    }
  }
  const input = 60 + random.below(step.operation === 'chat' ? 9_000 : 400)
  return {
    name: `${step.operation} ${step.model}`,
    kind: KIND.client,
    scope,
    attributes: {
      ...common,
      'gen_ai.provider.name': 'example',
      'gen_ai.request.model': step.model,
      'gen_ai.response.model': `${step.model}-2026-04-11`,
      'gen_ai.response.id': `resp_${hex(random, 8)}${hex(random, 8)}`,
      'gen_ai.usage.input_tokens': input,
      ...(step.operation === 'chat'
        ? {
            'gen_ai.usage.output_tokens': 10 + random.below(900),
            'gen_ai.request.temperature': random.pick([0, 0.2, 0.7]),
            'gen_ai.request.max_tokens': 1024,
            'gen_ai.response.finish_reasons': [random.chance(0.6) ? 'stop' : 'tool_calls'],
            'gen_ai.output.messages': `[{"role":"assistant","parts":[{"type":"text","content":"Zu „${subject.query}“ habe ich ${subject.product} gefunden."}]}]`,
          }
        : { 'gen_ai.embeddings.dimension.count': 1536 }),
    },
  }
}

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

/** What the shop's own code adds: who, what, and of whom. */
function business(path: string, { subject, random }: Setting): Attributes {
  return {
    [TENANT_KEY]: subject.tenant,
    ...(random.chance(0.6) ? { 'enduser.id': subject.user } : {}),
    ...(path.includes(subject.product) || random.chance(0.3) ? { [PRODUCT_KEY]: subject.product } : {}),
    ...(path.includes('checkout') || path.includes('charges') ? { [ORDER_KEY]: subject.order } : {}),
  }
}

const runtime = ({ random, instance }: Setting): Attributes =>
  instance.service.language === 'java'
    ? { 'thread.id': 20 + random.below(200), 'thread.name': `http-nio-8080-exec-${random.below(200)}` }
    : {}

const isOld = (language: Language): boolean => language === 'python' || language === 'dotnet' || language === 'swift'

const userAgent = (language: Language): string =>
  ({
    nodejs: 'undici',
    java: 'Java-http-client/21.0.8',
    python: 'python-httpx/0.28.1',
    go: 'Go-http-client/1.1',
    dotnet: 'Market/1.0',
    webjs: 'Mozilla/5.0',
    swift: 'Market/7.31.2 CFNetwork/3826.600.41 Darwin/24.6.0',
    cpp: 'envoy',
  })[language]

/** Instrumentation libraries by language, and their versions. */
function scopeOf(language: Language, what: string): Scope {
  switch (language) {
    case 'java':
      return {
        name: what === 'app' ? 'com.market.app' : `io.opentelemetry.${JAVA_SCOPES[what] ?? what}`,
        version: '2.20.1-alpha',
      }
    case 'python':
      return { name: `opentelemetry.instrumentation.${what.replaceAll('-', '_')}`, version: '0.58b0' }
    case 'go':
      return {
        name: what === 'app' ? 'market/internal' : `go.opentelemetry.io/contrib/instrumentation/${what}`,
        version: '0.63.0',
      }
    case 'dotnet':
      return { name: what === 'app' ? 'Market' : `OpenTelemetry.Instrumentation.${what}`, version: '1.12.0' }
    case 'swift':
      return { name: 'URLSession', version: '2.1.0' }
    case 'cpp':
      return { name: 'envoy', version: '' }
    default:
      return { name: what === 'app' ? 'market' : `@opentelemetry/instrumentation-${what}`, version: '0.205.0' }
  }
}

const JAVA_SCOPES: Readonly<Record<string, string>> = {
  http: 'tomcat-10.0',
  'http-client': 'java-http-client',
  grpc: 'grpc-1.6',
  postgresql: 'jdbc',
  mysql: 'jdbc',
  redis: 'lettuce-5.1',
  kafka: 'kafka-clients-0.11',
  rabbitmq: 'rabbitmq-2.7',
  elasticsearch: 'elasticsearch-rest-7.0',
}
