import type { Random } from '../random.ts'
import type { Messaging } from './behaviour.ts'
import type { Attributes, SpanDraft } from './draft.ts'
import type { Instance } from './instance.ts'
import type { Language } from './services.ts'
import { hex, ORDER_KEY, PRODUCT_KEY, TENANT_KEY, type Subject } from './subject.ts'

/** What a span is called and says, before anything has happened in it: after the semantic conventions for its kind. */
export type Description = Pick<SpanDraft, 'name' | 'kind' | 'scope' | 'attributes'>

/** Where the values come from. */
export interface Setting {
  readonly subject: Subject
  readonly instance: Instance
  readonly random: Random
}

/** What the shop's own code adds: who, what, and of whom. */
export function business(path: string, { subject, random }: Setting): Attributes {
  return {
    [TENANT_KEY]: subject.tenant,
    ...(random.chance(0.6) ? { 'enduser.id': subject.user } : {}),
    ...(path.includes(subject.product) || random.chance(0.3) ? { [PRODUCT_KEY]: subject.product } : {}),
    ...(path.includes('checkout') || path.includes('charges') ? { [ORDER_KEY]: subject.order } : {}),
  }
}

/** What some runtimes add by themselves. */
export const runtime = ({ random, instance }: Setting): Attributes =>
  instance.service.language === 'java'
    ? { 'thread.id': 20 + random.below(200), 'thread.name': `http-nio-8080-exec-${random.below(200)}` }
    : {}

/** Some libraries still follow the conventions of 2022. */
export const isOld = (language: Language): boolean =>
  language === 'python' || language === 'dotnet' || language === 'swift'

export function messaging(system: Messaging, topic: string, { subject, random }: Setting): Attributes {
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
