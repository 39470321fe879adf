/** Where programs listen when nothing is said: the page, and of those without one their status. */
export const USUAL_PORTS = { page: 16_686, ingest: 55_681, collector: 55_680 } as const
