import type { KeyValue } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { attributeGroups } from './attribute-order.ts'

const keysOf = (...keys: string[]) => {
  const attributes = keys.map((key): KeyValue => ({ key, value: { type: 'string', value: '' } }))
  return attributeGroups(attributes).map(({ prefix, attributes }) => [prefix, ...attributes.map(({ key }) => key)])
}

it('has what matters most first, then the others by what they are about', () => {
  expect(
    keysOf('zone', 'http.response.status_code', 'cart.size', 'http.request.method', 'error.type', 'cart.id', 'app'),
  ).toEqual([
    ['', 'error.type', 'http.request.method', 'http.response.status_code'],
    ['cart', 'cart.id', 'cart.size'],
    ['', 'app', 'zone'],
  ])
})

it('loses nothing, and takes what is strange', () => {
  expect(keysOf('b', 'a', 'a', '', '.', 'constructor.x', 'constructor.y')).toEqual([
    ['', '', '.'],
    ['a', 'a', 'a'],
    ['constructor', 'constructor.x', 'constructor.y'],
    ['', 'b'],
  ])
  expect(keysOf()).toEqual([])
})
