import { expect, it } from 'vitest'
import { differenceTerm } from './difference-term.ts'

const counts = { a: 1, b: 2, surprise: 0.1 }

it.each([
  [{ field: 'service', value: 'cart' } as const, 'service:cart'],
  [{ field: 'name', value: 'GET /x y' } as const, 'name:"GET /x y"'],
  [{ attribute: 'http.route', value: '/a b' }, 'http.route:"/a b"'],
  [{ attribute: 'tenant', value: null }, '-tenant:*'],
  [{ attribute: 'event.name', value: 'x' }, '"event.name":x'],
  [{ attribute: 'kind', value: 'x' }, '"kind":x'],
  [{ attribute: 'odd key', value: 'x' }, '"odd key":x'],
  [{ attribute: 'host.name', level: 'resource', value: 'h' }, 'resource.host.name:h'],
])('%o: %s', (difference, term) => expect(differenceTerm({ ...difference, ...counts })).toBe(term))
