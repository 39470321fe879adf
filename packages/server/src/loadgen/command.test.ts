import { describe, expect, it } from 'vitest'
import { loadgenCommand } from './command.ts'

describe('the options of spoor loadgen', () => {
  it('may all be left out', () => {
    const { seed, ...command } = loadgenCommand({})
    expect(command).toEqual({
      protocol: 'grpc',
      address: 'http://127.0.0.1:4317',
      gzip: false,
      headers: {},
      shape: 'shop',
      spansPerRequest: undefined,
      spanBytes: undefined,
      senders: 4,
      rate: Infinity,
      spans: Number.MAX_SAFE_INTEGER,
      durationMs: 10_000,
      overMs: undefined,
      verify: undefined,
    })
    expect(seed).toBeGreaterThanOrEqual(1)
    expect(loadgenCommand({}).seed).not.toBe(seed)
  })

  it('are read', () => {
    const options = { protocol: 'http', compression: 'gzip', rate: '2.5k', spans: '10M', senders: 32, seed: 7 }
    expect(loadgenCommand({ ...options, spanSize: '2kB', spansPerRequest: 5 })).toMatchObject({
      protocol: 'http',
      address: 'http://127.0.0.1:4318',
      gzip: true,
      rate: 2_500,
      spans: 10_000_000,
      durationMs: Infinity,
      senders: 32,
      seed: 7,
      spanBytes: 2_000,
      spansPerRequest: 5,
    })
    expect(loadgenCommand({ spans: 500, duration: '2m' })).toMatchObject({ spans: 500, durationMs: 120_000 })
    expect(loadgenCommand({ over: '6h' }).overMs).toBe(21_600_000)
    expect(loadgenCommand({ endpoint: 'there:4317', verify: 'https://jaeger/ui' })).toMatchObject({
      address: 'http://there:4317',
      verify: 'https://jaeger/ui',
    })
    expect(loadgenCommand({ header: ['Authorization=Bearer a=b', 'x-tenant: shop'] }).headers).toEqual({
      authorization: 'Bearer a=b',
      'x-tenant': 'shop',
    })
  })

  it.each([
    [{ protocol: 'thrift' }, '--protocol: "thrift" is not one of grpc, http'],
    [{ compression: 'zstd' }, '--compression: "zstd" is not one of none, gzip'],
    [{ shape: 'tree' }, '--shape: "tree" is not one of shop, market, small-spans, small-requests'],
    [{ rate: '0' }, '--rate: "0" is not a number of spans, as 500, 20k or 10M'],
    [{ duration: '10' }, '--duration: "10" is not a time'],
    [{ over: '59s' }, '--over: "59s" is not a time from 1m to 90d'],
    [{ over: '91d' }, '--over: "91d" is not a time from 1m to 90d'],
    [{ senders: 0 }, '--senders: "0" is not a number from 1 to 10000'],
    [{ header: 'token' }, '--header: "token" is not NAME=VALUE'],
    [{ endpoint: 'ftp://there' }, '--endpoint: "ftp://there" is not a URL, as http://127.0.0.1:4318'],
    [{ shape: 'market', spanSize: '2kB' }, '--span-size is of the shape shop; market has its own'],
    [{ spanSize: '1MB' }, 'a request would have more than 67.1 MB: lower it, or --spans-per-request'],
  ])('%j is refused', (options, message) => {
    expect(() => loadgenCommand(options)).toThrow(message)
  })
})
