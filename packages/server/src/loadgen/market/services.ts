/** What a service is written in: decides its telemetry SDK, its scopes, its stack traces and its attribute names. */
export type Language = 'nodejs' | 'java' | 'python' | 'go' | 'dotnet' | 'webjs' | 'swift' | 'cpp'

export interface Service {
  readonly name: string
  readonly language: Language
  readonly port: number
  /** Instances that run at a time, each with a resource of its own. */
  readonly instances: number
  /**
   * Who sends its spans: `own` is an exporter in each instance, `collector` one collector for all services of this
   * kind, whose requests hold several resources, and `phone` an app that sends what it has kept when it is online
   * again.
   */
  readonly exporter: 'own' | 'collector' | 'phone'
}

const service = (
  name: string,
  language: Language,
  port: number,
  instances: number,
  exporter: Service['exporter'] = 'own',
): Service => ({ name, language, port, instances, exporter })

/** A marketplace: what runs in it, from the browser to the warehouse. */
export const SERVICES: readonly Service[] = [
  service('web-storefront', 'webjs', 443, 24, 'collector'),
  service('mobile-app', 'swift', 443, 12, 'phone'),
  service('edge-proxy', 'cpp', 8443, 3),
  service('api-gateway', 'nodejs', 8080, 4),
  service('bff-web', 'nodejs', 8081, 4),
  service('auth', 'go', 9001, 3),
  service('session', 'go', 9002, 3),
  service('user-profile', 'java', 8090, 2),
  service('catalog', 'java', 8091, 4),
  service('search', 'java', 8092, 3),
  service('recommendation', 'python', 8093, 3),
  service('pricing', 'java', 9003, 3),
  service('promotion', 'nodejs', 8094, 2),
  service('inventory', 'go', 9004, 3),
  service('cart', 'nodejs', 8095, 3),
  service('checkout', 'java', 8096, 3),
  service('order', 'java', 9005, 3),
  service('payment', 'dotnet', 8097, 3),
  service('fraud', 'python', 9006, 2),
  service('tax', 'go', 9007, 2),
  service('shipping', 'go', 9008, 2),
  service('carrier-gateway', 'nodejs', 8098, 2),
  service('notification', 'nodejs', 8099, 2),
  service('email', 'python', 8100, 2, 'collector'),
  service('sms', 'go', 9009, 2, 'collector'),
  service('invoice', 'dotnet', 8101, 2),
  service('loyalty', 'java', 9010, 2),
  service('review', 'nodejs', 8102, 2),
  service('media', 'go', 8103, 2),
  service('image-classifier', 'python', 8104, 2, 'collector'),
  service('assistant', 'python', 8105, 2),
  service('embedding', 'python', 8106, 2, 'collector'),
  service('warehouse', 'java', 8107, 2),
  service('fulfilment', 'java', 8108, 2),
  service('returns', 'dotnet', 8109, 2),
  service('analytics', 'python', 8110, 2, 'collector'),
  service('event-collector', 'go', 8111, 2),
  service('feature-flags', 'go', 9011, 2),
  service('scheduler', 'java', 8112, 1),
  service('feed-export', 'python', 8113, 1, 'collector'),
  service('customer-support', 'nodejs', 8114, 2),
]

const PORTS = new Map(SERVICES.map(({ name, port }) => [name, port]))

/** The port that a service listens on. */
export const portOf = (name: string): number => PORTS.get(name) ?? 0
