import { expect, it } from 'vitest'
import { describeAddress, parseClickHouseUrl } from './address.ts'

it('reads an address, and what is left out of it', () => {
  expect(parseClickHouseUrl('clickhouse://me:p%40ss@db:8124/traces?table=spans', {})).toEqual({
    url: 'http://db:8124',
    user: 'me',
    password: 'p@ss',
    database: 'traces',
    table: 'spans',
  })
  expect(parseClickHouseUrl('clickhouses://db', { SPOOR_CLICKHOUSE_PASSWORD: 'secret' })).toEqual({
    url: 'https://db:8443',
    user: 'default',
    password: 'secret',
    database: 'default',
    table: 'otel_traces',
  })
  expect(parseClickHouseUrl('clickhouse://[::1]/', {}).url).toBe('http://[::1]:8123')
})

it.each([
  ['http://db', /"http:\/\/db" is no address of a ClickHouse; as in clickhouse:\/\//],
  ['clickhouse://', /no address/],
  ['clickhouse://db:9000', /port 9000 is that of ClickHouse's native protocol.*8123/],
  ['clickhouse://db/a;b', /the database "a;b": letters/],
  ['clickhouse://db/a?table=a.b', /the table "a.b"/],
  ['clickhouse://db/a?secure=1', /"secure" is not known/],
])('says what is wrong with %s', (text, message) => {
  expect(() => parseClickHouseUrl(text, {})).toThrow(message)
})

it('tells nobody a password', () => {
  expect(() => parseClickHouseUrl('clickhouse://me:secret@:x', {})).toThrow(/me:\*\*\*@/)
  expect(describeAddress(parseClickHouseUrl('clickhouse://me:secret@db/a', {}))).toBe(
    'ClickHouse at http://db:8123, a.otel_traces',
  )
})
