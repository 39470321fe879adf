import { expect, it } from 'vitest'
import { errorKindOf } from './error-kind.ts'

const message = (text: string): string => errorKindOf({ message: text }).message
const frame = (stacktrace: string): string => errorKindOf({ stacktrace }).frame

it('leaves out of a message what differs from one to the next', () => {
  expect(message('order 4711 of 3f2504e0-4f89-11d3-9a0c-0305e82c3301 not found')).toBe('order <n> of <id> not found')
  expect(message('connect ECONNREFUSED 10.0.0.7:5432')).toBe('connect ECONNREFUSED <n>:<n>')
  expect(message('bad pointer 0x7ffde4 in deadbeef01')).toBe('bad pointer <id> in <id>')
  expect(message("Cannot read properties of undefined (reading 'facade')")).toBe(
    "Cannot read properties of undefined (reading 'facade')",
  )
  expect(message('  timed out after 1.5 s\n    at x')).toBe('timed out after <n> s')
  expect(message('token 12345678901234567890')).toBe('token <id>')
  expect(message('x'.repeat(5_000))).toHaveLength(300)
})

it('finds where an error was thrown, in several languages', () => {
  expect(
    frame(
      'Error: no\n    at node:internal/process/task_queues:95:5\n    at /app/node_modules/pg/lib/client.js:1:2\n    at async charge (file:///srv/app/pay.js:12:7)\n    at main (file:///srv/app/main.js:1:1)',
    ),
  ).toBe('charge (pay.js)')
  expect(frame('TypeError: x\n    at https://shop.example/assets/app.js?v=3:1:2345')).toBe('app.js')
  expect(
    frame(
      'java.lang.IllegalStateException: no\n\tat java.base/java.lang.Thread.run(Thread.java:1583)\n\tat com.shop.Pay.charge(Pay.java:12)\n\tat com.shop.Main.main(Main.java:3)',
    ),
  ).toBe('com.shop.Pay.charge (Pay.java)')
  expect(
    frame(
      'java.sql.SQLException: ORA-00060\n\tat oracle.jdbc.driver.T4CTTIoer11.processError(T4CTTIoer11.java:630)\n\tat org.springframework.jdbc.core.JdbcTemplate.execute(JdbcTemplate.java:1)\n\tat com.zaxxer.hikari.pool.P.run(P.java:2)\n\tat aero.inventory.SeatHold.reserve(SeatHold.java:104)',
    ),
  ).toBe('aero.inventory.SeatHold.reserve (SeatHold.java)')
  expect(
    frame(
      'Npgsql.NpgsqlException\n   at Npgsql.Internal.NpgsqlConnector.Read() in /_/src/Npgsql/NpgsqlConnector.cs:line 2\n   at Aero.Seats.Lock(String pnr) in /src/Seats.cs:line 88',
    ),
  ).toBe('Aero.Seats.Lock (Seats.cs)')
  expect(
    frame(
      'goroutine 7 [running]:\nruntime/debug.Stack()\n\t/usr/local/go/src/runtime/debug/stack.go:24 +0x5e\naero/fare.(*Engine).Quote(0xc0)\n\t/src/fare/engine.go:212 +0x1d',
    ),
  ).toBe('aero/fare.(*Engine).Quote (engine.go)')
  expect(
    frame(
      'Traceback (most recent call last):\n  File "/app/main.py", line 3, in main\n    charge()\n  File "/app/pay.py", line 12, in charge\n    raise ValueError("no")\n  File "/usr/lib/python3/json.py", line 1, in loads\nValueError: no',
    ),
  ).toBe('charge (pay.py)')
  expect(
    frame(
      'goroutine 7 [running]:\nmain.(*Shop).charge(0xc000, 0x1)\n\t/app/pay.go:12 +0x1d\nmain.main()\n\t/app/main.go:3',
    ),
  ).toBe('main.(*Shop).charge (pay.go)')
  expect(frame('   at System.Net.Http.Send(String a)\n   at Shop.Pay.Charge(Int32 sum) in /app/Pay.cs:line 12')).toBe(
    'Shop.Pay.Charge (Pay.cs)',
  )
  expect(frame("app/pay.rb:12:in `charge'")).toBe('charge (pay.rb)')
  expect(frame('#0 /app/pay.php(12): charge()')).toBe('charge (pay.php)')
  expect(frame('Error\n    at node:internal/a:1:2')).toBe('a')
  expect(frame('nothing that looks like a stack')).toBe('')
})

it('is the same whatever the line, the folder and the machine', () => {
  const of = (line: number, folder: string, id: number) =>
    errorKindOf({
      type: 'E',
      message: `no ${id}`,
      stacktrace: `E: no ${id}\n    at charge (file://${folder}/pay.js:${line}:7)`,
    })
  expect(of(1, '/a', 2)).toEqual(of(3, '/b/c', 4))
})

it('takes no longer for text that was made to hurt', () => {
  for (const text of [
    'at ('.repeat(50_000),
    `at ${'('.repeat(100_000)}`,
    '    File "'.repeat(50_000),
    'a1'.repeat(200_000),
  ])
    expect(errorKindOf({ message: text, stacktrace: text }).message.length).toBeLessThanOrEqual(300)
})
