/** What a page sets, and what holds where it sets nothing. A mistake throws a `TypeError` that names the option. */

export interface WebTracingOptions {
  /** `service.name`. Required: a page has no environment that could name it. */
  readonly service: string
  /** `service.version`. */
  readonly version?: string
  /** Where spans go: the base address of OTLP/HTTP, or the whole one with its path. Default `http://localhost:4318`. */
  readonly url?: string
  /** Headers of each export, such as `authorization`. They are readable by whoever reads the page. */
  readonly headers?: Readonly<Record<string, string>>
  /**
   * To whom beside the page's own origin `traceparent` is sent: origins (`https://api.shop.example`), or expressions for whole addresses.
   * Their servers have to allow the header by CORS, else the browser refuses the call: so none by default.
   */
  readonly propagateTo?: readonly (string | RegExp)[]
  /** Share of the traces that begin here which are recorded, 0 to 1. Default 1. A trace of the server's is recorded as the server has it. */
  readonly sampleRatio?: number
  /** More attributes of the resource, such as `deployment.environment.name`. */
  readonly resourceAttributes?: Readonly<Record<string, string | number | boolean>>
  /** Calls that are no spans and carry no `traceparent`: beginnings of addresses, or expressions for whole ones. */
  readonly ignore?: readonly (string | RegExp)[]
  /** How long spans wait to be sent together, milliseconds. Default 1,000 for this machine, else 5,000. */
  readonly delayMs?: number
  /** How many spans wait at most. Default 2,000; what comes beyond is dropped and counted. */
  readonly maxQueueSize?: number
  /** Whether uncaught errors and rejections are recorded. Default true. */
  readonly errors?: boolean
  /** Whether LCP, CLS and INP are recorded as the page is left. Default true. */
  readonly webVitals?: boolean
  /** Whether spans carry `session.id`, kept in `sessionStorage` for as long as 30 minutes pass without a span. Default true. */
  readonly session?: boolean
}

export interface Settings {
  readonly service: string
  readonly version: string | undefined
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly propagateTo: readonly (string | RegExp)[]
  readonly sampleRatio: number
  readonly resourceAttributes: Readonly<Record<string, string | number | boolean>>
  readonly ignore: readonly (string | RegExp)[]
  readonly delayMs: number
  readonly maxQueueSize: number
  readonly errors: boolean
  readonly webVitals: boolean
  readonly session: boolean
}

const TRACES_PATH = '/v1/traces'

/** `page`: the address of the page, for an address that is relative to it. */
export function resolveOptions(options: WebTracingOptions, page: string): Settings {
  if (typeof options.service !== 'string' || options.service.trim() === '')
    throw wrong('service', options.service, 'the name of this page’s service, as "shop-web"')
  const url = resolveUrl(options.url ?? 'http://localhost:4318', page)
  const isLocal = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname)
  return Object.freeze({
    service: options.service,
    version: options.version,
    url: url.href,
    headers: options.headers ?? {},
    propagateTo: (options.propagateTo ?? []).map((to) => (typeof to === 'string' ? originOf(to, page) : to)),
    sampleRatio: within('sampleRatio', options.sampleRatio ?? 1, 0, 1),
    resourceAttributes: options.resourceAttributes ?? {},
    ignore: options.ignore ?? [],
    delayMs: within('delayMs', options.delayMs ?? (isLocal ? 1_000 : 5_000), 0, 600_000),
    maxQueueSize: within('maxQueueSize', options.maxQueueSize ?? 2_000, 1, 1_000_000),
    errors: options.errors ?? true,
    webVitals: options.webVitals ?? true,
    session: options.session ?? true,
  })
}

function resolveUrl(text: string, page: string): URL {
  // Of `localhost:4318` the name would be the scheme.
  if (!/^(?:https?:\/\/|\/)/i.test(text) || !URL.canParse(text, page))
    throw wrong(
      'url',
      text,
      'an address with http:// or https://, as "http://localhost:4318", or a path of this page’s origin',
    )
  const url = new URL(text, page)
  if (url.pathname === '/') url.pathname = TRACES_PATH
  return url
}

function originOf(text: string, page: string): string {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text, page))
    throw wrong('propagateTo', text, 'an origin, as "https://api.shop.example", or an expression')
  return new URL(text).origin
}

function within(name: string, value: number, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw wrong(name, value, `a number from ${least} to ${most}`)
  return value
}

function wrong(name: string, value: unknown, right: string): TypeError {
  return new TypeError(`@spoor/web: ${name}: ${JSON.stringify(value) ?? 'undefined'} is not ${right}`)
}

/** Whether an address begins with one of these texts, or is meant by one of these expressions. */
export function matches(url: string, patterns: readonly (string | RegExp)[]): boolean {
  return patterns.some((pattern) => (typeof pattern === 'string' ? url.startsWith(pattern) : url.search(pattern) >= 0))
}
