import type { Random } from './random.ts'

/**
 * The system that the workload is a picture of: a shop of eight services with a model that looks at photographs. It
 * gives names and attribute values of the lengths, and with the repetition, that real instrumentation sends.
 */
export interface Service {
  readonly name: string
  readonly port: number
  /** Server operations, as method and route. */
  readonly routes: readonly (readonly [method: string, route: string])[]
  /** Internal functions. */
  readonly functions: readonly string[]
  /** Tables that it reads and writes; empty for a service without a database. */
  readonly tables: readonly string[]
  /** Indexes of the services that it calls. */
  readonly calls: readonly number[]
}

export const SERVICES: readonly Service[] = [
  {
    name: 'gateway',
    port: 8080,
    routes: [
      ['GET', '/'],
      ['GET', '/products/:id'],
      ['POST', '/cart'],
      ['POST', '/checkout'],
      ['POST', '/photographs'],
    ],
    functions: ['authenticate', 'rateLimit', 'renderPage'],
    tables: [],
    calls: [1, 2, 3, 6],
  },
  {
    name: 'catalog',
    port: 8081,
    routes: [
      ['GET', '/v1/products'],
      ['GET', '/v1/products/:id'],
      ['GET', '/v1/search'],
    ],
    functions: ['rankResults', 'applyPromotions'],
    tables: ['products', 'categories', 'promotions'],
    calls: [5, 7],
  },
  {
    name: 'cart',
    port: 8082,
    routes: [
      ['GET', '/v1/carts/:id'],
      ['PUT', '/v1/carts/:id/items'],
      ['DELETE', '/v1/carts/:id'],
    ],
    functions: ['mergeCarts', 'priceCart'],
    tables: ['carts', 'cart_items'],
    calls: [1],
  },
  {
    name: 'checkout',
    port: 8083,
    routes: [
      ['POST', '/v1/orders'],
      ['GET', '/v1/orders/:id'],
    ],
    functions: ['validateAddress', 'computeTaxes', 'reserveStock'],
    tables: ['orders', 'order_lines'],
    calls: [2, 4, 5],
  },
  {
    name: 'payment',
    port: 8084,
    routes: [
      ['POST', '/v1/charges'],
      ['POST', '/v1/refunds'],
    ],
    functions: ['scoreFraud', 'tokenizeCard'],
    tables: ['charges'],
    calls: [7],
  },
  {
    name: 'shipping',
    port: 8085,
    routes: [
      ['POST', '/v1/quotes'],
      ['POST', '/v1/shipments'],
    ],
    functions: ['packParcels', 'chooseCarrier'],
    tables: ['shipments', 'carriers'],
    calls: [1],
  },
  {
    name: 'preprocessing',
    port: 5010,
    routes: [['POST', '/preprocessing']],
    functions: ['decodeImage', 'resizeImage', 'normalizeTensor'],
    tables: [],
    calls: [7],
  },
  {
    name: 'inference',
    port: 5012,
    routes: [
      ['POST', '/inference'],
      ['GET', '/v1/models'],
    ],
    functions: ['runSession', 'softmax', 'loadLabels'],
    tables: ['predictions'],
    calls: [4],
  },
]

export const USER_AGENTS: readonly string[] = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 14_6) AppleWebKit/605.1.15 Version/18.0 Safari/605.1.15',
  'node',
  'python-httpx/0.27.2',
]

export const STACK = `TimeoutError: upstream did not answer within 1500 ms
    at ClientRequest.onTimeout (/srv/app/src/http/client.js:118:23)
    at Socket.emit (node:events:519:28)
    at process.processTicksAndRejections (node:internal/process/task_queues:105:5)
    at async CheckoutHandler.handle (/srv/app/src/handlers/checkout.js:64:18)`

export const pad = (value: number, digits: number): string => String(value).padStart(digits, '0')

/** `/products/:id` with a real id in place of the parameter. */
export function pathOf(route: string, random: Random): string {
  return route.replace(':id', () => pad(random.below(100_000), 6))
}
