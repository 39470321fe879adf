import type { ClientRequest, IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { clientAttributes, portAttributes } from './client-attributes.ts'
import { serverAttributes, splitAuthority } from './server-attributes.ts'

function incoming(url: string, headers: Record<string, string | string[]> = {}, socket: object = {}): IncomingMessage {
  return { method: 'GET', url, headers, httpVersion: '1.1', socket: { remoteAddress: '::1', ...socket } } as never
}

test.each([
  ['/a?b=c?d', '/a', 'b=c?d'],
  ['/a?', '/a', undefined],
  ['*', '*', undefined],
  ['http://proxied.example/a/b?c=d', '/a/b', 'c=d'],
  ['http://proxied.example', '/', undefined],
])('the target %s', (url, path, query) => {
  const attributes = serverAttributes(incoming(url))
  expect([attributes['url.path'], attributes['url.query']]).toEqual([path, query])
})

test.each([
  [{ host: 'shop:8080' }, 'shop', 8080],
  [{ host: 'shop' }, 'shop', 80],
  [{ host: '[::1]:81' }, '[::1]', 81],
  [{ host: '[::1]' }, '[::1]', 80],
  [{ host: 'a', 'x-forwarded-host': ['b:9', 'c'] }, 'b', 9],
  [{ host: 'a', 'x-forwarded-host': 'b', 'x-forwarded-proto': 'https' }, 'b', 443],
  [{ host: 'a', 'x-forwarded-proto': 'wss' }, 'a', undefined],
  [{ host: 'a', forwarded: 'host="b:7";for=c' }, 'b', 7],
  [{}, undefined, undefined],
] as const)('the address that %j asks for', (headers, host, port) => {
  const attributes = serverAttributes(incoming('/', headers as never))
  expect([attributes['server.address'], attributes['server.port']]).toEqual([host, port])
})

test.each([
  [{ 'x-forwarded-for': '10.0.0.1:5000, 10.0.0.2' }, '10.0.0.1'],
  [{ 'x-forwarded-for': '2001:db8::1' }, '2001:db8::1'],
  [{ 'x-forwarded-for': '[2001:db8::1]:80' }, '2001:db8::1'],
  [{ 'x-forwarded-for': '' }, '::1'],
  [{ forwarded: 'FOR=10.9.9.9' }, '10.9.9.9'],
  [{}, '::1'],
])('the client of %j', (headers, address) => {
  expect(serverAttributes(incoming('/', headers as never))['client.address']).toBe(address)
})

test('TLS is told by the connection', () => {
  expect(serverAttributes(incoming('/', { host: 'a' }, { encrypted: true }))).toMatchObject({
    'url.scheme': 'https',
    'server.port': 443,
  })
})

test.each([
  ['shop', 'shop:8080', 'http:', '/a', 'http://shop:8080/a', 8080],
  ['shop', 'shop', 'https:', '/', 'https://shop/', 443],
  ['::1', '[::1]:81', 'http:', '/', 'http://[::1]:81/', 81],
  // Another virtual host of the same machine.
  ['10.0.0.1', 'shop.example', 'http:', '/a', 'http://10.0.0.1/a', undefined],
  ['proxy', 'proxy:3128', 'http:', 'http://shop/a', 'http://shop/a', 3128],
])('a call to %s, as %s', (host, header, protocol, path, url, port) => {
  const request = {
    method: 'GET',
    host,
    protocol,
    path,
    getHeader: (name: string) => (name === 'host' ? header : undefined),
  }
  expect(clientAttributes(request as unknown as ClientRequest)).toEqual({
    'http.request.method': 'GET',
    'server.address': host,
    'server.port': port,
    'url.full': url,
  })
})

test('the port that a connection tells', () => {
  const request = { host: '::1', protocol: 'http:', path: '/a' } as ClientRequest
  expect(portAttributes(request, 81)).toEqual({ 'server.port': 81, 'url.full': 'http://[::1]:81/a' })
  expect(portAttributes(request, 80)).toEqual({ 'server.port': 80, 'url.full': 'http://[::1]/a' })
  expect(portAttributes(request, undefined)).toEqual({})
  expect(portAttributes({ host: '::1', protocol: 'http:', path: 'http://shop/a' } as ClientRequest, 3128)).toEqual({
    'server.port': 3128,
  })
})

test('an address in its parts', () => {
  expect(splitAuthority('a:b')).toEqual({ host: 'a', port: undefined })
  expect(splitAuthority('a:0')).toEqual({ host: 'a', port: undefined })
})
