/** The kinds of parameters that functions have. */
import { int64Of, parseDouble, parseInt64 } from '../processor-helper/index.ts'
import { EvaluationError, StatementError } from './error.ts'
import type { Lambda } from './compiler.ts'
import type { Parameter } from './function.ts'
import { folded, type Item, type Node, type PathNode } from './node.ts'
import { PlainMap } from './plain-map.ts'
import { compileGlob, compileRegex, type Regex } from './regex.ts'
import { textOf } from './text.ts'
import {
  Duration,
  expected,
  expectInt,
  expectMap,
  expectString,
  isList,
  isLiveMap,
  isMap,
  Time,
  typeName,
  type ListValue,
  type LiveMap,
  type Value,
} from './value.ts'

type Convert<T> = (value: Value) => T

/** A value that is computed for each item; one that is known before is checked, and computed, once. */
export function converted<T>(convert: Convert<T>): Parameter<Node<T>> & { ofNode(node: Node): Node<T> } {
  const ofNode = (node: Node): Node<T> => folded([node], (item) => convert(node.get(item)))
  return { build: (argument, compiler) => ofNode(compiler.value(argument.value)), ofNode }
}

export const any = converted((value) => value)
export const string = converted(expectString)
export const int = converted(expectInt)
export const time = converted((value) => (value instanceof Time ? value : expected('time', value)))
export const duration = converted((value) => (value instanceof Duration ? value : expected('duration', value)))
export const map = converted(expectMap)
export const list = converted((value): ListValue['value'] => (isList(value) ? value.value : expected('list', value)))

/** As a text, whatever it is; undefined for nil. */
export const stringLike = converted(textOf)

export const intLike = converted((value): bigint | undefined => {
  switch (typeof value) {
    case 'undefined':
    case 'bigint':
      return value
    case 'number':
      return int64Of(value)
    case 'boolean':
      return value ? 1n : 0n
    case 'string':
      return parseInt64(value) ?? noNumber(value, 'int')
    default:
      return expected('something like an int', value)
  }
})

export const doubleLike = converted((value): number | undefined => {
  switch (typeof value) {
    case 'undefined':
    case 'number':
      return value
    case 'bigint':
    case 'boolean':
      return Number(value)
    case 'string':
      return parseDouble(value) ?? noNumber(value, 'number')
    default:
      return expected('something like a double', value)
  }
})

function noNumber(text: string, what: string): never {
  throw new EvaluationError(`${JSON.stringify(text)} is no ${what}`)
}

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

export const boolLike = converted((value): boolean | undefined => {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
      return value
    case 'bigint':
      return value !== 0n
    case 'number':
      return value !== 0
    case 'string':
      if (TRUE.includes(value)) return true
      if (FALSE.includes(value)) return false
      throw new EvaluationError(`${JSON.stringify(value)} is neither true nor false`)
    default:
      return expected('something like a bool', value)
  }
})

/** Numbers are eight bytes, the highest first. */
export const bytesLike = converted((value): Uint8Array | undefined => {
  if (value === undefined || value instanceof Uint8Array) return value
  if (typeof value === 'string') return Buffer.from(value)
  if (typeof value === 'boolean') return Uint8Array.of(value ? 1 : 0)
  const bytes = Buffer.alloc(8)
  if (typeof value === 'bigint') bytes.writeBigInt64BE(value)
  else if (typeof value === 'number') bytes.writeDoubleBE(value)
  else return expected('something like bytes', value)
  return bytes
})

/** A whole number in a base from 2 to 36; 0 takes that of its prefix. */
export function parseInteger(text: string, base: number): bigint {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text)!
  const prefix = base === 0 ? /^0([xob])/i.exec(rest)?.[1]?.toLowerCase() : undefined
  const octal = base === 0 && !prefix && /^0\d/.test(rest)
  const radix = base || (prefix === 'x' ? 16 : prefix === 'b' ? 2 : prefix === 'o' || octal ? 8 : 10)
  const digits = prefix ? rest.slice(2) : rest
  const failure = (): EvaluationError =>
    new EvaluationError(`${JSON.stringify(text)} is no int${base === 10 ? '' : ` in base ${base}`}`)
  if (radix < 2 || radix > 36) throw new EvaluationError(`there is no base ${base}; write one of 2-36, or 0`)
  let value = 0n
  if (digits === '') throw failure()
  for (const digit of base === 0 ? digits.replace(/(?<=[0-9a-z])_(?=[0-9a-z])/gi, '') : digits) {
    const number = /[0-9a-z]/i.test(digit) ? parseInt(digit, 36) : NaN
    if (!(number < radix)) throw failure()
    value = value * BigInt(radix) + BigInt(number)
    if (value > 2n ** 63n) throw failure()
  }
  if (sign === '-') value = -value
  if (value >= 2n ** 63n) throw failure()
  return value
}

/** What must be written as it is: no path, and nothing that is computed. */
function written<T>(what: string, read: (value: Value) => T | undefined): Parameter<T> {
  return {
    build({ value, at }) {
      const isWritten = value.kind === 'literal' || value.kind === 'number'
      const found = isWritten ? read(value.value) : undefined
      if (found === undefined) throw new StatementError(at, `expected ${what}, written out`)
      return found
    },
  }
}

export const writtenString = written('a string', (value) => (typeof value === 'string' ? value : undefined))
export const writtenInt = written('an int', (value) => (typeof value === 'bigint' ? value : undefined))
export const writtenBool = written('true or false', (value) => (typeof value === 'boolean' ? value : undefined))

export function optional<T>(parameter: Parameter<T>): Parameter<T | undefined> {
  return { ...parameter, isOptional: true }
}

/** A list that is written out, each element a parameter of its own. */
export function listOf<T>(element: Parameter<T>): Parameter<T[]> {
  return {
    build({ value, at }, compiler) {
      if (value.kind !== 'list') throw new StatementError(at, 'expected a list in brackets, like ["a", "b"]')
      return value.values.map((each) => element.build({ at: each.at, name: undefined, value: each }, compiler))
    },
  }
}

/** A lambda expression. `names`: what its parameters are. */
export function lambda(...names: readonly string[]): Parameter<Lambda> {
  return {
    build({ value, at }, compiler) {
      const wanted = `expected a lambda expression, like (${names.join(', ')}) => …`
      if (value.kind !== 'lambda') throw new StatementError(at, wanted)
      const { length } = value.parameters
      if (length !== names.length) throw new StatementError(at, `${wanted}; this one has ${length} parameters`)
      return compiler.lambda(value)
    },
  }
}

/** A regular expression; one that is not known before is compiled when it is another than the last. */
export const regex: Parameter<Node<Regex>> = remembered(compileRegex)
export const glob: Parameter<Node<(text: string) => boolean>> = remembered(compileGlob)

function remembered<T>(compile: (source: string) => T): Parameter<Node<T>> {
  return {
    build(argument, compiler) {
      const source = string.build(argument, compiler)
      let last: { readonly source: string; readonly result: T } | undefined
      return folded([source], (item) => {
        const text = source.get(item)
        if (last?.source !== text) last = { source: text, result: compile(text) }
        return last.result
      })
    },
  }
}

export const path: Parameter<PathNode> = {
  build: ({ value, at }, compiler) => {
    if (value.kind !== 'path') throw new StatementError(at, 'expected a path, like attributes["name"]')
    return compiler.path(value)
  },
}

/** A map that is changed where it is. */
export type MapTarget = (item: Item, change: (map: LiveMap) => void) => void

export const mapTarget: Parameter<MapTarget> = {
  build(argument, compiler) {
    const target = path.build(argument, compiler)
    return (item, change) => {
      const value = target.get(item)
      if (isLiveMap(value)) change(value)
      else if (isMap(value)) {
        const copy = new PlainMap(value.value)
        change(copy)
        if (copy.isChanged) target.set(item, { type: 'map', value: copy.toArray() })
      } else expected('map', value)
    }
  },
}

/** A converter of one text that is named and not called, as `SHA256`. */
export type TextFunction = (text: string, item: Item) => string

export const textFunction: Parameter<TextFunction> = {
  build({ value, at }, compiler) {
    if (value.kind !== 'enum' && value.kind !== 'function')
      throw new StatementError(at, 'expected the name of a converter, without parentheses, like SHA256')
    const definition = compiler.definition(value.name, value.at)
    const [parameter, ...rest] = definition.parameters
    if (!parameter?.[1].ofNode || rest.length > 0)
      throw new StatementError(at, `${value.name} does not take one text, and nothing else`)
    let input = ''
    const call = definition.create({ [parameter[0]]: parameter[1].ofNode({ get: () => input }) })
    return (text, item) => {
      input = text
      const result = call(item)
      return typeof result === 'string' ? result : notText(result)
    }
  },
}

function notText(value: Value): never {
  throw new EvaluationError(`what replaces a text must be a string, got ${typeName(value)}`)
}
