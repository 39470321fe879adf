/** Jobs that begin by themselves, one after the other. */
export const JOBS: readonly (readonly [service: string, name: string])[] = [
  ['scheduler', 'PriceSyncJob.run'],
  ['feed-export', 'export_feed'],
  ['scheduler', 'AbandonedCartJob.run'],
]

/** How often each operation begins a trace, in shares of all traces. The rest of the operations are only called. */
export const ENTRIES: readonly (readonly [share: number, service: string, name: string])[] = [
  [16, 'web-storefront', 'documentLoad'],
  [14, 'web-storefront', 'submit search'],
  [8, 'web-storefront', 'click add-to-cart'],
  [5, 'web-storefront', 'submit checkout'],
  [4, 'web-storefront', 'send chat message'],
  [9, 'mobile-app', 'ProductViewController.viewDidLoad'],
  [1.5, 'mobile-app', 'CheckoutFlow.confirm'],
  [14, 'edge-proxy', 'GET /healthz'],
  [10, 'api-gateway', 'GET /livez'],
  [8, 'edge-proxy', 'POST /events'],
  [5, 'edge-proxy', 'GET /api/search'],
  [4, 'api-gateway', 'GET /api/products/:product'],
  [1.5, 'api-gateway', 'POST /api/returns'],
  [2.5, 'media', 'POST /v1/photos'],
  [2, 'feature-flags', 'Flags/Evaluate'],
]
