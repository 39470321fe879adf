import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { oracleDecode, oracleEncode } from './oracle.test.helper.ts'
import {
  decodeExportResponse,
  decodeStatus,
  encodeExportResponse,
  encodeStatus,
  exportResponseToJson,
  statusToJson,
} from './response.ts'

const response = fc.record({ rejected: fc.maxSafeNat(), message: fc.string() })
const status = fc.record({ code: fc.nat({ max: 16 }), message: fc.string({ unit: 'grapheme' }) })

describe('export response', () => {
  it('is read by protobufjs and read back', () => {
    fc.assert(
      fc.property(response, ({ rejected, message }) => {
        const bytes = encodeExportResponse({ rejected, message })
        expect(decodeExportResponse(bytes)).toEqual({ rejected, message })
        const partialSuccess = {
          ...(rejected !== 0 && { rejectedSpans: String(rejected) }),
          ...(message !== '' && { errorMessage: message }),
        }
        const expected = rejected === 0 && message === '' ? {} : { partialSuccess }
        expect(oracleDecode('ExportTraceServiceResponse', bytes)).toEqual(expected)
      }),
    )
  })

  it('is empty when all was accepted; an empty partial success means the same', () => {
    expect(encodeExportResponse()).toHaveLength(0)
    expect(decodeExportResponse(Uint8Array.from([0x0a, 0]))).toEqual({ rejected: 0, message: '' })
    expect(exportResponseToJson('traces')).toBe('{"partialSuccess":{}}')
  })

  it('names what was rejected by its signal in JSON', () => {
    const partial = { rejected: 2, message: 'too old' }
    expect(JSON.parse(exportResponseToJson('logs', partial))).toEqual({
      partialSuccess: { rejectedLogRecords: '2', errorMessage: 'too old' },
    })
    expect(exportResponseToJson('metrics', partial)).toContain('rejectedDataPoints')
    expect(exportResponseToJson('traces', partial)).toContain('rejectedSpans')
  })
})

describe('status', () => {
  it('is read by protobufjs and read back', () => {
    fc.assert(
      fc.property(status, fc.option(fc.nat({ max: 1e9 }), { nil: undefined }), (status, retryAfterMs) => {
        const whole = retryAfterMs === undefined ? status : { ...status, retryAfterMs }
        const bytes = encodeStatus(whole)
        expect(decodeStatus(bytes)).toEqual(whole)
        const { details, ...head } = oracleDecode('RpcStatus', bytes)
        expect({ code: 0, message: '', ...head }).toEqual(status)
        if (retryAfterMs === undefined) {
          expect(details).toBeUndefined()
          return
        }
        const [detail] = details as { typeUrl: string; value: Uint8Array }[]
        expect(detail!.typeUrl).toBe('type.googleapis.com/google.rpc.RetryInfo')
        const { retryDelay } = oracleDecode('RetryInfo', detail!.value) as {
          retryDelay: { seconds?: string; nanos?: number }
        }
        const { seconds = '0', nanos = 0 } = retryDelay
        expect(Number(seconds) * 1000 + nanos / 1e6).toBe(retryAfterMs)
      }),
    )
  })

  it('passes over details of other types', () => {
    const details = [
      { typeUrl: 'type.googleapis.com/google.rpc.BadRequest', value: Uint8Array.from([1, 2, 3]) },
      { typeUrl: 'x/google.rpc.RetryInfo', value: oracleEncode('RetryInfo', { retryDelay: { seconds: '3' } }) },
    ]
    const bytes = oracleEncode('RpcStatus', { code: 8, message: 'slow down', details })
    expect(decodeStatus(bytes)).toEqual({ code: 8, message: 'slow down', retryAfterMs: 3000 })
  })

  it('has its retry delay in seconds in JSON', () => {
    expect(JSON.parse(statusToJson({ code: 14, message: 'm', retryAfterMs: 1500 }))).toEqual({
      code: 14,
      message: 'm',
      details: [{ '@type': 'type.googleapis.com/google.rpc.RetryInfo', retryDelay: '1.5s' }],
    })
  })
})
