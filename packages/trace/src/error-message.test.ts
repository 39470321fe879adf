import { expect, it } from 'vitest'
import { withoutVariables } from './error-message.ts'

it('keeps the codes that say which error it is', () => {
  for (const message of [
    'ORA-00060: deadlock detected while waiting for resource',
    'java.sql.SQLException: ORA-12541: TNS:no listener',
    'PLS-00201: identifier must be declared',
    'AADSTS50076: you must use multi-factor authentication',
    'SQL0911N The current transaction has been rolled back',
    'E11000 duplicate key error collection: shop.orders',
    'SQLSTATE[40P01]: Deadlock detected',
    'ERROR: duplicate key value violates unique constraint (SQLSTATE 23505)',
    'Error 1213 (40001): Deadlock found when trying to get lock',
    'Request failed with status code 503',
    'Response status code does not indicate success: 503 (Service Unavailable).',
    'unexpected status: 404',
    'HTTP 429',
    'HTTP/1.1 502 Bad Gateway',
    '502 Bad Gateway from the proxy',
    'upstream answered 500',
    'GET /a failed with 502 from the proxy',
    '14 UNAVAILABLE: No connection established',
    'rpc error: code = 14 desc = transport is closing',
    'process exited with code 137',
    '[Errno 104] Connection reset by peer',
    'System.Data.SqlClient.SqlException (0x80131904): Execution Timeout Expired',
    'Msg 1205, you were chosen as the deadlock victim',
    'BOOK-4093: seat is taken',
    'x509: certificate signed by unknown authority',
    'invalid UTF-8 in an IPv6 address, sha256 expected',
  ])
    expect(withoutVariables(message)).toBe(message)
})

it('leaves out numbers that are no codes', () => {
  for (const [message, told] of [
    ['ORA-00060: row 4711 of 12', 'ORA-00060: row <n> of <n>'],
    ['ORDER-4711 not found', 'ORDER-<n> not found'],
    ['order ORD-4711: not found', 'order ORD-<n>: not found'],
    ['Book-4711: not found', 'Book-<n>: not found'],
    ['booking ABC-1234567 is gone', 'booking ABC-<n> is gone'],
    ['took 503 ms', 'took <n> ms'],
    ['the query returned 503 rows', 'the query returned <n> rows'],
    ['found 404 rows', 'found <n> rows'],
    ['status 503 after 1200 ms', 'status 503 after <n> ms'],
    ['voucher code 48213 is used', 'voucher code <n> is used'],
    ['error at byte 12345', 'error at byte <n>'],
    ['error 12345 of user', 'error <n> of user'],
    ['connect to http://10.0.0.7:8080/a', 'connect to http://<n>:<n>/a'],
    ['HTTP 10.0.0.7:80 is away', 'HTTP <n>:<n> is away'],
    ['status code 1234567890', 'status code <n>'],
    ['12 of 15 seats', '<n> of <n> seats'],
    ['x5091 and sha2567', 'x<n> and sha<n>'],
  ] as const)
    expect(withoutVariables(message)).toBe(told)
})

it('takes no longer for text that was made to hurt', () => {
  for (const part of ['http status code ', 'ORA-', 'A_', 'code: ', '1 A', 'error # ', 'SQLSTATE[', '0x80', 'e'])
    expect(withoutVariables(part.repeat(100_000)).length).toBeLessThanOrEqual(300)
})
