/** What a value is, and values of other types made of it. */
import { bytesToHex } from '@spoor/otlp'
import { compare, isEqual } from '../compare.ts'
import { EvaluationError, StatementError } from '../error.ts'
import { defineConverter, defineFunction, type FunctionDefinition } from '../function.ts'
import { folded, NO_ITEM } from '../node.ts'
import {
  any,
  boolLike,
  bytesLike,
  doubleLike,
  int,
  intLike,
  list,
  listOf,
  optional,
  parseInteger,
  string,
  stringLike,
  writtenString,
} from '../parameters.ts'
import { valueText } from '../../processor-helper/index.ts'
import {
  expectMap,
  fromAny,
  Id,
  isList,
  isMap,
  list as listValue,
  Messages,
  sizeOf,
  typeName,
  type ListValue,
  type Value,
} from '../value.ts'

function isOfType(name: string, test: (value: Value) => boolean): FunctionDefinition {
  return defineFunction(
    name,
    { target: ofPathOr(test) },
    ({ target }) =>
      (item) =>
        test(target.get(item)),
  )
}

/** What is written out must be of the type, as otelcol wants it. */
function ofPathOr(test: (value: Value) => boolean): typeof any {
  const build: typeof any.build = (argument, compiler) => {
    const { kind } = argument.value
    const node = any.build(argument, compiler)
    const isWritten = kind === 'literal' || kind === 'number' || kind === 'list' || kind === 'map' || kind === 'enum'
    if (isWritten && node.isLiteral && !test(node.get(NO_ITEM)))
      throw new StatementError(argument.at, 'a value that is written out is never of that type')
    return node
  }
  return { ...any, build }
}

function isEmpty(value: Value): boolean {
  if (typeof value === 'object') {
    if (isMap(value)) return sizeOf(value) === 0
    if (isList(value) || value instanceof Uint8Array) return ('value' in value ? value.value : value).length === 0
    if (value instanceof Id) return value.field === ''
    if (value instanceof Messages) return value.count === 0
    return value.nanos === 0n
  }
  // oxlint-disable-next-line typescript/strict-boolean-expressions
  return !value
}

/** Bytes of a text, elements of a list or map. */
function lengthOf(value: Value): bigint {
  if (typeof value === 'string') return BigInt(Buffer.byteLength(value))
  if (value instanceof Messages) return BigInt(value.count)
  if (value instanceof Uint8Array) return BigInt(value.length)
  if (isMap(value)) return BigInt(sizeOf(value))
  if (isList(value)) return BigInt(value.value.length)
  throw new EvaluationError(`a ${typeName(value)} has no length`)
}

function id(name: string, kind: Id['kind']): FunctionDefinition {
  const length = kind === 'span' ? 8 : 16
  return defineFunction(name, { target: bytesLike }, ({ target }) => {
    const idOf = (bytes: Uint8Array = new Uint8Array(0)): Id => {
      if (bytes.length === length) return new Id(kind, bytesToHex(bytes))
      const text = Buffer.from(bytes).toString('latin1')
      if (bytes.length !== 2 * length)
        throw new EvaluationError(`a ${kind} id has ${length} bytes, or ${2 * length} hex digits, not ${bytes.length}`)
      if (!/^[0-9a-fA-F]*$/.test(text))
        throw new EvaluationError(`${JSON.stringify(text)} has a digit that is none of hex`)
      return new Id(kind, text.toLowerCase())
    }
    return folded([target], (item) => idOf(target.get(item))).get
  })
}

/** As otelcol sorts: with one text all are compared as texts, an int with a double as doubles; with anything else nothing is. */
function sorted(values: ListValue['value'], isDescending: boolean): ListValue['value'] {
  const types = new Set(values.map(({ type }) => type))
  if (types.has('array') || types.has('map') || types.has('bytes')) return values
  const isText = types.has('string') || types.has('bool') || types.has('empty')
  const keyed = values.map((value) => ({ value, key: isText ? valueText(value) : fromAny(value) }))
  const sign = isDescending ? -1 : 1
  return keyed
    .toSorted((a, b) => sign * (compare(a.key, '<', b.key) ? -1 : compare(a.key, '>', b.key) ? 1 : 0))
    .map(({ value }) => value)
}

export const TYPES = [
  isOfType('IsString', (value) => typeof value === 'string'),
  isOfType('IsBool', (value) => typeof value === 'boolean'),
  isOfType('IsInt', (value) => typeof value === 'bigint'),
  isOfType('IsDouble', (value) => typeof value === 'number'),
  isOfType('IsMap', isMap),
  defineConverter('IsList', { target: any }, (value) => isList(value) || value instanceof Messages),
  defineConverter('IsEmpty', { target: any }, isEmpty),
  defineConverter('Len', { target: any }, lengthOf),
  defineFunction('String', { target: stringLike }, ({ target }) => target.get),
  defineFunction('Int', { target: intLike }, ({ target }) => target.get),
  defineFunction('Double', { target: doubleLike }, ({ target }) => target.get),
  defineFunction('Bool', { target: boolLike }, ({ target }) => target.get),
  defineFunction('ParseInt', { target: string, base: int }, ({ target, base }) => (item) => {
    return parseInteger(target.get(item), Number(base.get(item)))
  }),
  defineConverter('Hex', { target: bytesLike }, (value) => bytesToHex(value ?? new Uint8Array(0))),
  defineConverter('Log', { target: doubleLike }, (value) => {
    if (value === undefined || value <= 0) throw new EvaluationError(`${value ?? 'nil'} has no logarithm`)
    return Math.log(value)
  }),
  defineConverter('IsValidLuhn', { target: stringLike }, isValidLuhn),
  id('TraceID', 'trace'),
  id('SpanID', 'span'),
  id('ProfileID', 'profile'),
  defineFunction('IsRootSpan', {}, () => (item) => new Id('span', item.span.parentSpanId).field === '', ['span']),
  defineFunction('Coalesce', { values: listOf(any) }, ({ values }) => {
    if (values.length === 0) throw new EvaluationError('Coalesce wants one value at least')
    return (item) => {
      for (const value of values) {
        const found = value.get(item)
        if (found !== undefined) return found
      }
      return undefined
    }
  }),
  defineConverter('Keys', { target: any }, (value) => listValue(expectMap(value).map(({ key }) => key))),
  defineConverter('Values', { target: any }, (value) => ({
    type: 'array',
    value: expectMap(value).map((entry) => entry.value),
  })),
  defineFunction('ContainsValue', { target: list, item: any }, (given) => (item) => {
    const wanted = given.item.get(item)
    return given.target.get(item).some((value) => isEqual(fromAny(value), wanted))
  }),
  defineFunction('Index', { target: any, value: any }, ({ target, value }) => (item) => {
    const where = target.get(item)
    const what = value.get(item)
    if (typeof where === 'string') {
      if (typeof what !== 'string') throw new EvaluationError(`a ${typeName(what)} cannot be in a string`)
      const at = where.indexOf(what)
      return BigInt(at < 0 ? at : Buffer.byteLength(where.slice(0, at)))
    }
    if (!isList(where)) throw new EvaluationError(`nothing has an index in a ${typeName(where)}`)
    return BigInt(where.value.findIndex((each) => isEqual(fromAny(each), what)))
  }),
  defineFunction('Sort', { target: any, order: optional(writtenString) }, ({ target, order = 'asc' }) => {
    if (order !== 'asc' && order !== 'desc')
      throw new EvaluationError(`unknown order ${JSON.stringify(order)}; known: asc, desc`)
    return (item) => {
      const value = target.get(item)
      if (!isList(value)) throw new EvaluationError(`a ${typeName(value)} cannot be sorted`)
      return { type: 'array', value: sorted(value.value, order === 'desc') }
    }
  }),
]

/** Whether the last digit is what the others ask for. */
function isValidLuhn(text: string | undefined): boolean {
  const digits = text?.replaceAll(' ', '')
  if (digits === undefined || !/^\d*$/.test(digits)) throw new EvaluationError(`${digits ?? 'nil'} is no number`)
  if (digits === '') return false
  const sum = Array.from(digits, Number)
    .reverse()
    .reduce((total, digit, index) => total + (index % 2 === 0 ? digit : digit > 4 ? digit * 2 - 9 : digit * 2), 0)
  return sum % 10 === 0
}
