import type { Random } from '../random.ts'
import { DIGITS, SERIAL } from '../message.ts'
import { pad } from '../shop.ts'

/** Whom and what a trace is about: the values that its spans have in common. */
export interface Subject {
  readonly user: string
  readonly session: string
  readonly order: string
  readonly query: string
  readonly tenant: string
  readonly client: string
  readonly agent: string
  /** Another one for each of the things that a loop goes through. */
  product: string
}

/** Products, of which some are looked at far more often than others. */
export const PRODUCTS = 10_000

export const PRODUCT_KEY = 'app.product.id'
export const ORDER_KEY = 'app.order.id'
export const TENANT_KEY = 'app.tenant'
export const TENANTS = ['acme-de', 'acme-fr', 'acme-us', 'globex-jp', 'globex-br', 'initech-in']

const QUERIES = [
  'running shoes',
  'wireless headphones',
  'レインコート',
  '咖啡机 意式',
  'кофеварка',
  'Schlüsselanhänger groß',
  'crème brûlée set',
  'مصباح مكتب',
  'ของเล่นไม้',
  'laptop 14" 32GB',
  '🎁 geschenk unter 20 €',
  'guarda-chuva',
  "women's waterproof hiking jacket with hood, size M, recycled",
]

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 Safari/605.1.15',
  'Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.7339.80 Mobile Safari/537.36',
  'Market/7.31.2 (iOS 18.6; iPhone16,2)',
  'Googlebot/2.1 (+http://www.google.com/bot.html)',
  'kube-probe/1.33',
]

/**
 * @param number of the trace's order, 0 to 16,777,215: in no other trace
 */
export function createSubject(random: Random, number: number): Subject {
  return {
    user: `u${random.below(90)}${moving(random.below(10_000))}`,
    session: `${hex(random, 8)}-${SERIAL}0000-4${hex(random, 3)}-a${hex(random, 3)}-${hex(random, 8)}${hex(random, 4)}`,
    order: orderOf(number),
    query: random.pick(QUERIES),
    tenant: random.pick(TENANTS),
    client: `${31 + random.below(180)}.${random.below(256)}.${random.below(256)}.${random.below(256)}`,
    agent: random.pick(AGENTS),
    product: productOf(random),
  }
}

/** The order of a trace, with its pass in the last four digits: `ord-` and ten hex digits. */
const orderOf = (number: number): string => `ord-${number.toString(16).padStart(6, '0')}${SERIAL}0000`

const ORDER = new RegExp(`^ord-([0-9a-f]{6})${SERIAL}`)

/** The number of an order; undefined for what is none. */
export function orderNumber(value: unknown): number | undefined {
  const digits = typeof value === 'string' ? ORDER.exec(value)?.[1] : undefined
  return digits === undefined ? undefined : Number.parseInt(digits, 16)
}

/** Two of three looks are at one product of twenty. */
export function productOf(random: Random): string {
  const number = random.chance(0.66) ? random.below(PRODUCTS / 20) : random.below(PRODUCTS)
  return `sku-${moving(number)}`
}

/** `text` with the subject's values in place of `{user}` and the like. */
export function fill(text: string, subject: Subject, random: Random): string {
  return text.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    if (name === 'number') return moving(random.below(10_000))
    const value = (subject as unknown as Readonly<Record<string, string>>)[name]
    if (value === undefined) throw new RangeError(`{${name}} in "${text}" stands for nothing`)
    return value
  })
}

/** `/v1/products/:product` with the subject's values in place of the parameters. */
export const pathOf = (route: string, subject: Subject, random: Random): string =>
  fill(route.replaceAll(/:(\w+)/g, '{$1}'), subject, random)

/** Four digits that are others in each pass. */
const moving = (number: number): string => `${DIGITS}${pad(number, 4)}`

export const hex = (random: Random, digits: number): string =>
  random.uint32().toString(16).padStart(8, '0').slice(0, digits)
