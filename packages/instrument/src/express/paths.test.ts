import { expect, test } from 'vitest'
import { joined, mountedBelow, writtenAs } from './paths.ts'

test.each([
  ['/orders/:id', '/orders/:id'],
  [/^\/a/, '/^\\/a/'],
  [['/a', '/b'], '/a,/b'],
  [['/a', /b/], '/a,/b/'],
  ['/', ''],
  ['*', ''],
  ['/*', ''],
  ['/{*splat}', ''],
  ['/files/*path', '/files/*path'],
  [() => {}, ''],
  [[() => {}], ''],
  [undefined, ''],
])('what is mounted below %s', (path, pattern) => {
  expect(mountedBelow(path)).toBe(pattern)
})

test('a route is called by its path, also where that matches all', () => {
  expect([writtenAs('/{*rest}'), writtenAs('*'), writtenAs('/'), writtenAs(undefined)]).toEqual([
    '/{*rest}',
    '*',
    '/',
    '',
  ])
})

test.each([
  ['', '/a', '/a'],
  ['/a', '/', '/a'],
  ['/a', '/:id', '/a/:id'],
  ['/a/', '/b', '/a/b'],
  ['', '/', '/'],
])('%s and %s', (above, pattern, both) => {
  expect(joined(above, pattern)).toBe(both)
})
