import type { AnyValue } from '@spoor/otlp'
import { expect, it } from 'vitest'
import { termOf } from './attribute-query.ts'

const string = (value: string): AnyValue => ({ type: 'string', value })

it.each<[level: 'span' | 'resource', key: string, value: AnyValue, term: string | undefined]>([
  ['span', 'order.id', string('ord-1042'), 'span.order.id:ord-1042'],
  ['span', 'name', string('a'), 'span.name:a'],
  ['resource', 'host.name', string('edge 1'), 'resource.host.name:"edge 1"'],
  ['span', 'sql', string('say "hi"*'), String.raw`span.sql:"say \"hi\"*"`],
  ['span', 'odd key', string('x'), '"odd key":x'],
  ['span', 'n', { type: 'int', value: 9_223_372_036_854_775_807n }, 'span.n:9223372036854775807'],
  ['span', 'b', { type: 'bool', value: false }, 'span.b:false'],
  ['span', 'empty', string(''), undefined],
  ['span', 'lines', string('a\nb'), undefined],
  ['span', 'long', string('x'.repeat(501)), undefined],
  ['span', 'list', { type: 'array', value: [] }, undefined],
])('a term of %s.%s', (level, key, value, term) => expect(termOf(level, key, value)).toBe(term))
