import { describe, expect, it } from 'vitest'
import { hostAllowed } from './host-check.ts'

describe('hostAllowed', () => {
  it.each(['localhost', 'localhost:16686', 'LOCALHOST', '127.0.0.1:80', '127.1.2.3', '[::1]:16686', 'spoor.localhost'])(
    'lets %s in',
    (host) => {
      expect(hostAllowed(host, '127.0.0.1')).toBe(true)
    },
  )

  it.each([
    undefined,
    '',
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::2]',
    'localhost@evil.example',
    '[::1',
    '0.0.0.0',
  ])('keeps %s out', (host) => {
    expect(hostAllowed(host, '127.0.0.1')).toBe(false)
    expect(hostAllowed(host, 'localhost')).toBe(false)
  })

  it('answers to any name where it was opened to others', () => {
    expect(hostAllowed('spoor.example', '0.0.0.0')).toBe(true)
    expect(hostAllowed('spoor.example', '192.168.1.5')).toBe(true)
  })
})
