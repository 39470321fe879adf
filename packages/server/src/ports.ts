/** Where programs listen when nothing is said: the page, and of those without one their status. */
export const USUAL_PORTS = { page: 16_686, ingest: 55_681, collector: 55_680 } as const

/** Where a Spoor on this machine takes OTLP over HTTP, when nobody has told it otherwise. */
export const USUAL_OTLP_HTTP = 'http://127.0.0.1:4318'
