import { expect, test } from 'vitest'
import { announcedOrigin, announcementTo } from './announcement.ts'

test.each([
  ['http://127.0.0.1:55680', 'http://127.0.0.1:55680'],
  ['http://127.8.9.10:1', 'http://127.8.9.10:1'],
  ['http://[::1]:55680/', 'http://[::1]:55680'],
  ['http://localhost:55680', 'http://127.0.0.1:55680'],
  // What URL makes of other ways to write 127.0.0.1.
  ['http://0x7f.1:5', 'http://127.0.0.1:5'],
])('%s means this machine', (header, origin) => expect(announcedOrigin(header)).toBe(origin))

test.each([
  'https://127.0.0.1:55680',
  'http://127.0.0.1',
  'http://10.0.0.7:55680',
  'http://169.254.169.254:80',
  'http://evil.example:55680',
  'http://evil.localhost:55680',
  'http://127.0.0.1.evil.example:55680',
  'http://127.0.0.1:55680/admin',
  'http://127.0.0.1:55680?q',
  'http://user@127.0.0.1:55680',
  'http://[::ffff:10.0.0.7]:55680',
  `http://127.0.0.1:55680/${'x'.repeat(200)}`,
  'nonsense',
  '',
])('%s does not', (header) => expect(announcedOrigin(header)).toBeUndefined())

test('only peers on this machine are told', () => {
  expect(announcementTo('localhost', 'http://127.0.0.1:5')).toEqual({ 'spoor-collector': 'http://127.0.0.1:5' })
  expect(announcementTo('backend.example', 'http://127.0.0.1:5')).toEqual({})
  expect(announcementTo('localhost', undefined)).toEqual({})
})
