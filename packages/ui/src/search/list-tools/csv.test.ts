import type { TraceRow } from 'spoor/api'
import { expect, it } from 'vitest'
import { csvOf } from './csv.ts'

it('writes rows that every reader takes apart again, and no spreadsheet runs', () => {
  const row = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    start: '1790000000000000001',
    rootService: '=HYPERLINK("http://x")',
    rootName: 'GET /a,"b"',
    requestDurationNs: 5,
    tailNs: 0,
    durationNs: 5,
    spans: 2,
    errors: 1,
    orphans: 0,
    services: [{ name: 'shop' }, { name: 'bank' }],
  } as unknown as TraceRow
  expect(csvOf([row]).split('\r\n')).toEqual([
    'trace_id,start,service,name,request_duration_ns,tail_ns,duration_ns,spans,errors,orphans,services',
    '0af7651916cd43dd8448eb211c80319c,2026-09-21T14:13:20.000000001Z,"\'=HYPERLINK(""http://x"")","GET /a,""b""",5,0,5,2,1,0,shop bank',
    '',
  ])
})
