import { OtlpError } from '@spoor/otlp'
import { describe, expect, test } from 'vitest'
import { CollectorError, type CollectorErrorCode } from './error.ts'
import { errorFromGrpc, errorFromHttp, GRPC, statusOf, toCollectorError } from './status.ts'

describe('to a client', () => {
  test.each<[CollectorErrorCode, number, number]>([
    ['invalid_data', 3, 400],
    ['too_large', 8, 413],
    ['overloaded', 14, 503],
    ['unavailable', 14, 503],
    ['timeout', 4, 503],
    ['unauthenticated', 16, 401],
    ['permission_denied', 7, 403],
    ['unimplemented', 12, 404],
    ['internal', 13, 500],
  ])('%s is gRPC %d and HTTP %d', (code, grpc, http) => {
    expect(statusOf(new CollectorError(code, ''))).toEqual({ grpc, http })
  })

  test('the status always agrees with whether the data may be sent again', () => {
    expect(statusOf(new CollectorError('overloaded', '', { retryable: false }))).toEqual({ grpc: 13, http: 500 })
    expect(statusOf(new CollectorError('internal', '', { retryable: true }))).toEqual({ grpc: 14, http: 503 })
  })

  test('malformed OTLP names its code', () => {
    const error = toCollectorError(new OtlpError('truncated', 'field ends after its message', { offset: 12 }))
    expect(error.code).toBe('invalid_data')
    expect(error.message).toBe('not a valid OTLP message (truncated): field ends after its message')
  })
})

describe('from a gRPC peer', () => {
  test.each([1, 4, 10, 11, 14, 15])('code %d is retryable', (code) => {
    expect(errorFromGrpc('peer', code, '').retryable).toBe(true)
  })

  test.each([2, 3, 5, 6, 7, 9, 12, 13, 16, 99])('code %d is permanent', (code) => {
    expect(errorFromGrpc('peer', code, '').retryable).toBe(false)
  })

  test('RESOURCE_EXHAUSTED is retryable only with RetryInfo', () => {
    expect(errorFromGrpc('peer', GRPC.RESOURCE_EXHAUSTED, 'rate limit').retryable).toBe(false)
    const throttled = errorFromGrpc('peer', GRPC.RESOURCE_EXHAUSTED, 'rate limit', 1500)
    expect(throttled).toMatchObject({ code: 'overloaded', retryable: true, retryAfterMs: 1500 })
  })

  test.each([
    [8, 'grpc: received message larger than max (4194305 vs. 4194304)'],
    [8, 'gRPC message exceeds maximum size 4194304: 5000000'],
    [11, 'Error, decoded message length too large: found 5000000 bytes, the limit is: 4194304 bytes'],
  ])('code %d with "%s" means smaller messages', (code, message) => {
    expect(errorFromGrpc('peer', code, message)).toMatchObject({ code: 'too_large', retryable: false })
  })

  test('the message names the peer and the code', () => {
    expect(errorFromGrpc('jaeger:4317', 14, 'no space').message).toBe('jaeger:4317 answered UNAVAILABLE: no space')
  })
})

describe('from an HTTP peer', () => {
  test.each([429, 502, 503, 504])('status %d is retryable', (status) => {
    expect(errorFromHttp('peer', status, '', 2000)).toMatchObject({ retryable: true, retryAfterMs: 2000 })
  })

  test.each([301, 400, 401, 403, 404, 408, 413, 500, 501])('status %d is permanent', (status) => {
    expect(errorFromHttp('peer', status, '').retryable).toBe(false)
  })

  test('413 means smaller messages', () => {
    expect(errorFromHttp('peer', 413, '').code).toBe('too_large')
  })
})
