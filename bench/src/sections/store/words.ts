import { MARKET_SERVICES, SHOP_SERVICES, type StoreCorpus } from 'spoor/loadgen'

/** What is asked of a corpus, in the search bar's words. */
export interface Words {
  readonly services: readonly string[]
  /** What very many spans have. */
  readonly common: string
  /** A key that many spans have, each value in few of them. */
  readonly rareKey: string
  /** A comparison with a number that one span in a thousand makes true. */
  readonly greater: string
  /** A pattern that some of about 10,000 distinct values match. */
  readonly pattern: string
  /** Two things that many spans have and none has both. */
  readonly apart: string
  /** A duration that few traces reach. */
  readonly long: string
}

export const WORDS: Readonly<Record<StoreCorpus, Words>> = {
  shop: {
    services: SHOP_SERVICES.map(({ name }) => name),
    common: 'db.system.name:postgresql',
    rareKey: 'order.id',
    greater: 'http.response.body.size>40160',
    pattern: 'enduser.id~"user-0199[3-5]7"',
    apart: 'db.system.name:postgresql http.request.method:GET',
    long: '899ms',
  },
  market: {
    services: MARKET_SERVICES.filter(({ exporter }) => exporter !== 'phone').map(({ name }) => name),
    common: 'app.tenant:acme-de',
    rareKey: 'enduser.id',
    greater: 'http.response.body.size>60000',
    pattern: 'app.product.id~"sku-99[3-5]7"',
    apart: 'db.system.name:redis rpc.system:grpc',
    long: '30s',
  },
}
