import type { Operation } from './behaviour.ts'
import { business, isOld, messaging, runtime, type Description, type Setting } from './description.ts'
import { KIND, type Attributes } from './draft.ts'
import type { Instance } from './instance.ts'
import { scopeOf } from './scope.ts'
import { portOf, type Language } from './services.ts'
import { ORDER_KEY, pathOf, TENANT_KEY } from './subject.ts'

/** The span of an operation itself. `caller`: who calls it; undefined when nobody whom we know does. */
export function describeEntry(operation: Operation, setting: Setting, caller: Instance | undefined): Description {
  const { subject, random, instance } = setting
  const { entry, service, name } = operation
  const { language } = instance.service
  const port = portOf(service)
  switch (entry.protocol) {
    case 'http': {
      const path = pathOf(entry.route, subject, random)
      const common = { ...business(path, setting), ...runtime(setting) }
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
