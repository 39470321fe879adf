import { MARK, Message } from './message.ts'
import type { Random } from './random.ts'
import { pad, pathOf, SERVICES, STACK, USER_AGENTS, type Service } from './shop.ts'

/** A span of the workload before it is serialized. Times are nanoseconds after the start of the pass. */
export interface SpanPlan {
  readonly traceId: Uint8Array
  readonly spanId: Uint8Array
  readonly parentSpanId: Uint8Array | undefined
  /** Index into {@link SERVICES}. */
  readonly service: number
  readonly kind: 'internal' | 'server' | 'client' | 'database'
  readonly start: number
  readonly end: number
  readonly failed: boolean
  /** The service called, for a client span. */
  readonly peer: number
  /** The number of an order, which is in this span alone; undefined in most spans. */
  readonly order: number | undefined
}

/** Key of the attribute that only the spans with {@link SpanPlan.order} have. */
export const ORDER_KEY = 'order.id'

/**
 * The value of the `order.id` attribute of an order in a pass: `ord-`, 6 hex digits of the order, 4 of the pass. The
 * last four are patched at each send, so that a value is in one span of the whole run.
 */
export const orderId = (order: number, pass: number): string => `ord-${hex(order, 6)}${hex(pass & 0xffff, 4)}`

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

/** The `Span` message (opentelemetry-proto trace/v1/trace.proto), with ids, times and order marked for patching. */
export function writeSpan(plan: SpanPlan, random: Random): Message {
  const service = serviceAt(plan.service)
  const span = new Message(768)
  span.raw(1, plan.traceId, MARK.traceId).raw(2, plan.spanId, MARK.spanId)
  if (plan.parentSpanId) span.raw(4, plan.parentSpanId, MARK.spanId)
  const { name, kind, attributes } = describe(plan, service, random)
  span.string(5, name).uint(6, kind).time(7, plan.start).time(8, plan.end)
  for (const attribute of attributes) span.message(9, attribute)
  if (plan.failed) span.message(11, exceptionEvent(plan.end))
  else if (random.chance(0.04)) span.message(11, logEvent(plan.start, random))
  if (plan.kind === 'internal' && random.chance(0.02)) {
    span.message(13, new Message(64).raw(1, plan.traceId, MARK.traceId).raw(2, plan.spanId, MARK.spanId))
  }
  if (plan.failed) span.message(15, new Message(64).string(2, 'upstream did not answer within 1500 ms').uint(3, 2))
  return span.fixed32(16, 0x101)
}

/** The `Resource` message of one instance of a service, as the Node SDK's detectors fill it. */
export function writeResource(service: Service, instance: number): Message {
  const resource = new Message(512)
  const attributes = [
    text('service.name', service.name),
    text('service.version', '2.14.3'),
    text('service.instance.id', `${service.name}-6d9f7c5b8-${hex(0x51a00 + instance * 7919, 5)}`),
    text('deployment.environment.name', 'production'),
    text('host.name', `node-${pad(instance, 2)}.example.internal`),
    text('host.arch', 'amd64'),
    int('process.pid', 1 + instance),
    text('process.runtime.name', 'nodejs'),
    text('process.runtime.version', '24.4.1'),
    text('telemetry.sdk.language', 'nodejs'),
    text('telemetry.sdk.name', 'opentelemetry'),
    text('telemetry.sdk.version', '2.1.0'),
  ]
  for (const attribute of attributes) resource.message(1, attribute)
  return resource
}

function describe(
  plan: SpanPlan,
  service: Service,
  random: Random,
): { name: string; kind: number; attributes: Message[] } {
  switch (plan.kind) {
    case 'server': {
      const [method, route] = random.pick(service.routes)
      const attributes = [
        text('http.request.method', method),
        text('url.path', pathOf(route, random)),
        text('http.request.header.x-request-id', `${hex(random.uint32(), 8)}${hex(random.uint32(), 8)}`),
        text('http.route', route),
        int('http.response.status_code', plan.failed ? 504 : 200),
        text('server.address', `${service.name}.shop.svc.cluster.local`),
        int('server.port', service.port),
        text('client.address', `10.42.${random.below(8)}.${random.below(250)}`),
        text('user_agent.original', random.pick(USER_AGENTS)),
        orderOr(plan, () => text('enduser.id', `user-${pad(random.below(20_000), 6)}`)),
      ]
      return { name: `${method} ${route}`, kind: 2, attributes }
    }
    case 'client': {
      const peer = serviceAt(plan.peer)
      const [method, route] = random.pick(peer.routes)
      const host = `${peer.name}.shop.svc.cluster.local`
      const attributes = [
        text('http.request.method', method),
        text('url.full', `http://${host}:${peer.port}${pathOf(route, random)}`),
        text('server.address', host),
        int('server.port', peer.port),
        int('http.response.status_code', plan.failed ? 504 : 200),
        text('network.peer.address', `10.43.${plan.peer}.${random.below(16)}`),
        int('network.peer.port', peer.port),
        text('network.protocol.version', '1.1'),
        text('peer.service', peer.name),
        orderOr(plan, () => int('http.response.body.size', 200 + random.below(40_000))),
      ]
      return { name: method, kind: 3, attributes }
    }
    case 'database': {
      const table = random.pick(service.tables)
      const attributes = [
        text('db.system.name', 'postgresql'),
        text('db.namespace', 'shop'),
        text('db.query.text', `SELECT id, state, total FROM ${table} WHERE id = $1 AND tenant = $2`),
        text('db.operation.name', 'SELECT'),
        text('db.collection.name', table),
        text('server.address', 'postgres-primary.shop.svc.cluster.local'),
        int('server.port', 5432),
        text('network.peer.address', `10.43.9.${random.below(4)}`),
        int('db.response.returned_rows', random.below(40)),
        orderOr(plan, () => text('thread.name', `worker-${random.below(8)}`)),
      ]
      return { name: `SELECT ${table}`, kind: 3, attributes }
    }
    default: {
      const name = random.pick(service.functions)
      const attributes = [
        text('code.function.name', `${service.name}.${name}`),
        text('code.file.path', `/srv/app/node_modules/@shop/${service.name}/dist/src/handlers/${name}.js`),
        int('code.line.number', 20 + name.length * 11),
        int('thread.id', 1 + random.below(8)),
        text('feature_flag.key', 'new-pricing-engine-rollout'),
        flag('feature_flag.result.value', random.chance(0.5)),
        text('tenant.id', `tenant-${pad(random.below(60), 4)}`),
        double('app.score', random.uint32() / 0x1_0000_0000),
        flag('app.cache.hit', random.chance(0.7)),
        orderOr(plan, () => text('enduser.id', `user-${pad(random.below(20_000), 6)}`)),
      ]
      return { name, kind: 1, attributes }
    }
  }
}

function orderOr(plan: SpanPlan, otherwise: () => Message): Message {
  if (plan.order === undefined) return otherwise()
  const value = new TextEncoder().encode(orderId(plan.order, 0))
  const any = new Message(32).raw(1, value, MARK.serial, value.length - 4)
  return new Message(64).string(1, ORDER_KEY).message(2, any)
}

function exceptionEvent(at: number): Message {
  const event = new Message(768).time(1, at).string(2, 'exception')
  event.message(3, text('exception.type', 'TimeoutError'))
  event.message(3, text('exception.message', 'upstream did not answer within 1500 ms'))
  return event.message(3, text('exception.stacktrace', STACK))
}

function logEvent(at: number, random: Random): Message {
  const event = new Message(128).time(1, at).string(2, 'cache.lookup')
  return event.message(3, text('cache.key', `item:${pad(random.below(100_000), 6)}`))
}

const attribute = (key: string, value: Message) => new Message(64).string(1, key).message(2, value)
const text = (key: string, value: string) => attribute(key, new Message(64).string(1, value))
const flag = (key: string, value: boolean) => attribute(key, new Message(2).bool(2, value))
const int = (key: string, value: number) => attribute(key, new Message(12).uint(3, value))
const double = (key: string, value: number) => attribute(key, new Message(10).double(4, value))

function serviceAt(index: number): Service {
  const service = SERVICES[index]
  if (!service) throw new RangeError(`no service ${index}`)
  return service
}
