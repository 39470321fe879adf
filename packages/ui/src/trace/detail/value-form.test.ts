import { describe, expect, it } from 'vitest'
import { formOf, sqlLines } from './value-form.ts'

it.each([
  ['db.query.text', 'SELECT 1', 'sql'],
  ['db.query.text', 'GET user:1', 'plain'],
  ['note', 'SELECT 1', 'plain'],
  ['exception.stacktrace', 'Error: no', 'stack'],
  ['log', 'Error\n    at run (a.js:1:2)', 'stack'],
  ['log', 'Traceback\n  File "a.py", line 1', 'stack'],
  ['log', 'one\ntwo', 'plain'],
] as const)('%s: %j is %s', (key, text, form) => expect(formOf(key, text)).toBe(form))

describe('sqlLines', () => {
  const lines = (text: string) => sqlLines(text).map((line) => line.map(({ text }) => text).join(''))

  it('has a line a clause', () => {
    expect(lines('SELECT a,\n  b FROM t LEFT JOIN u ON t.x = u.x WHERE a = $1 ORDER BY b LIMIT 10')).toEqual([
      'SELECT a, b ',
      'FROM t ',
      'LEFT JOIN u ON t.x = u.x ',
      'WHERE a = $1 ',
      'ORDER BY b ',
      'LIMIT 10',
    ])
  })

  it('takes no update for one that locks rows, or is what else is done', () => {
    expect(lines('SELECT p.* FROM kis.patient p WHERE p.pid = :1 FOR UPDATE WAIT 3')).toEqual([
      'SELECT p.* ',
      'FROM kis.patient p ',
      'WHERE p.pid = :1 ',
      'FOR UPDATE WAIT 3',
    ])
    expect(lines('insert into t (a) values ($1) on conflict (a) do update set n = 2 returning a')).toEqual([
      'insert into t (a) ',
      'values ($1) ',
      'on conflict (a) ',
      'do update set n = 2 ',
      'returning a',
    ])
    expect(lines('MERGE INTO c USING dual ON (id = :1) WHEN MATCHED THEN UPDATE SET s = :2')).toEqual([
      'MERGE INTO c USING dual ON (id = :1) ',
      'WHEN MATCHED THEN UPDATE SET s = :2',
    ])
  })

  it('leaves alone what stands in quotes and parentheses, and loses nothing of what is broken', () => {
    expect(lines(`insert into t (a, "from") values ('select ''x'' from', (select 1 from d))`)).toEqual([
      `insert into t (a, "from") `,
      `values ('select ''x'' from', (select 1 from d))`,
    ])
    expect(lines(`SELECT 'a FROM b`)).toEqual([`SELECT 'a `, 'FROM b'])
    expect(lines('')).toEqual([])
  })
})
