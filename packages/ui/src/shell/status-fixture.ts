import type { StatusResponse } from 'spoor/api'

/** The status of a Spoor that is well, for tests. */
export function statusOf(change: Partial<StatusResponse> = {}): StatusResponse {
  return {
    version: '0.1.0',
    program: 'all',
    phase: 'running',
    health: {
      live: true,
      ready: true,
      reasons: [],
      damagedPieces: 0,
      damagedSpans: 0,
      damagedBytes: 0,
      droppedSpans: {},
      recent: [],
    },
    uptimeSeconds: 3,
    endpoints: { otlpHttp: 'http://127.0.0.1:4318' },
    spansAccepted: 0,
    spansRefused: 0,
    attention: [],
    store: { spans: 0, diskBytes: 0, blocks: 0, segments: 0 },
    ...change,
  }
}
