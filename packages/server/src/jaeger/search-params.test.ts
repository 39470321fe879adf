import { describe, expect, it } from 'vitest'
import { searchParams } from './search-params.ts'

const field = (name: string, value: unknown, op = 'eq') => ({ op, target: { field: name }, value })

describe('the parameters of Jaeger’s search', () => {
  it('are one filter of conditions on one span', () => {
    const query = searchParams({
      service: 'cart',
      operation: 'GET /',
      minDuration: '1.2s',
      maxDuration: '2s',
      tag: ['a:b:c', 'span.kind:Server'],
      tags: '{"error":"true","resource.host.name":"h"}',
      start: '1760000000000001',
      end: '1760000000000002',
      limit: '7',
      lookback: '1h',
    })
    expect(query).toEqual({
      from: 1_760_000_000_000_001_000n,
      to: 1_760_000_000_000_002_000n,
      limit: 7,
      order: 'newest',
      matchesPerTrace: 0,
      filter: {
        op: 'and',
        args: [
          field('service', 'cart'),
          field('name', 'GET /'),
          field('duration', 1.2e9, 'gte'),
          field('duration', 2e9, 'lte'),
          { op: 'eq', target: { attribute: 'a' }, value: 'b:c' },
          field('kind', 'server'),
          { op: 'or', args: [field('status', 'error'), { op: 'eq', target: { attribute: 'error' }, value: 'true' }] },
          { op: 'eq', target: { attribute: 'host.name', level: 'resource' }, value: 'h' },
        ],
      },
    })
  })

  it('default to the last two days and 100 traces, with no condition', () => {
    const { from, to, limit, filter } = searchParams({})
    expect(to! - from!).toBe(172_800_000_000_000n)
    expect(limit).toBe(100)
    expect(filter).toBeUndefined()
  })

  it.each([
    [{ minDuration: '2s', maxDuration: '1s' }, "'maxDuration' should be greater than 'minDuration'"],
    [{ tag: 'novalue' }, "malformed 'tag' parameter, expecting key:value, received: novalue"],
    [{ tags: '{' }, "malformed 'tags' parameter, cannot unmarshal JSON: "],
    [{ tags: '{"a":1}' }, "malformed 'tags' parameter, cannot unmarshal JSON: "],
    [{ start: 'x' }, "unable to parse param 'start': "],
    [{ limit: 'x' }, "unable to parse param 'limit': "],
    [{ minDuration: '5' }, "unable to parse param 'minDuration': "],
  ])('%j is refused', (query, message) => {
    expect(() => searchParams(query as never)).toThrow(message)
  })
})
