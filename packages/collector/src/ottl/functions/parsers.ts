/** Maps and lists of texts. */
import { MAX_DEPTH, type AnyValue } from '@spoor/otlp'
import { EvaluationError } from '../error.ts'
import { defineConverter, defineFunction } from '../function.ts'
import { list, listOf, map, optional, regex, string, writtenBool, writtenString } from '../parameters.ts'
import { orderOfTexts } from '../compare.ts'
import { valueText } from '../../processor-helper/index.ts'
import { fromAny, map as mapValue, toAny, typeName, type MapValue } from '../value.ts'
import { urlParts } from './url.ts'

/** Numbers are doubles, as in Go. Not deeper than a value may be that is sent. */
function ofJson(value: unknown, depth = 1): AnyValue {
  if (depth > MAX_DEPTH) throw new EvaluationError(`JSON nested deeper than ${MAX_DEPTH}`)
  const inside = (inner: unknown): AnyValue => ofJson(inner, depth + 1)
  if (value === null) return { type: 'empty' }
  if (Array.isArray(value)) return { type: 'array', value: value.map(inside) }
  if (typeof value === 'object')
    return { type: 'map', value: Object.entries(value).map(([key, inner]) => ({ key, value: inside(inner) })) }
  return toAny(value as string | number | boolean)!
}

function parseJson(text: string): MapValue | Extract<AnyValue, { type: 'array' }> {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    throw new EvaluationError(`not JSON: ${(error as Error).message}`, { cause: error })
  }
  const value = ofJson(parsed)
  if (value.type !== 'map' && value.type !== 'array')
    throw new EvaluationError(`expected a map or list of JSON, got ${typeName(fromAny(value))}`)
  return value
}

/** The parts between separators that are not in quotation marks, which go; empty ones are left out. */
function splitQuoted(text: string, separator: string): string[] {
  const parts: string[] = []
  let part = ''
  let quote = ''
  let isEscaped = false
  for (let at = 0; at < text.length; at++) {
    const character = text[at]!
    if (quote === '' && text.startsWith(separator, at)) {
      if (part !== '') parts.push(part)
      part = ''
      at += separator.length - 1
      continue
    }
    if (!isEscaped) {
      if (quote === '' && (character === '"' || character === "'")) {
        quote = character
        continue
      }
      if (character === quote) {
        quote = ''
        continue
      }
      isEscaped = character === '\\'
    } else isEscaped = false
    part += character
  }
  if (quote !== '') throw new EvaluationError('a quotation mark has no end')
  return part === '' ? parts : [...parts, part]
}

function delimiters(delimiter = '=', pairDelimiter = ' '): { delimiter: string; pairDelimiter: string } {
  if (delimiter === '' || pairDelimiter === '') throw new EvaluationError('a delimiter has one character at least')
  if (delimiter === pairDelimiter)
    throw new EvaluationError('the delimiters of pairs, and of key and value, are the same')
  return { delimiter, pairDelimiter }
}

/** A line of comma-separated values. `isLazy`: quotation marks may be anywhere. */
function csvFields(text: string, delimiter: string, isLazy: boolean): string[] {
  // Empty lines before the first are none.
  const line = text.replace(/^(?:\r?\n)+/, '').replace(/\r?\n$/, '')
  if (line === '') throw new EvaluationError('there are no fields in an empty text')
  const fields: string[] = []
  let at = 0
  for (;;) {
    if (line[at] !== '"') {
      const end = line.indexOf(delimiter, at)
      const field = end < 0 ? line.slice(at) : line.slice(at, end)
      if (!isLazy && field.includes('"'))
        throw new EvaluationError('a quotation mark in a field without quotation marks')
      fields.push(field)
      if (end < 0) return fields
      at = end + delimiter.length
      continue
    }
    let field = ''
    for (at++; ; at++) {
      if (at >= line.length) {
        if (!isLazy) throw new EvaluationError('a quotation mark has no end')
        break
      }
      if (line[at] !== '"') field += line[at]!
      else if (line[at + 1] === '"') {
        field += '"'
        at++
      } else if (at + 1 >= line.length || line.startsWith(delimiter, at + 1)) {
        at++
        break
      } else if (isLazy) field += '"'
      else throw new EvaluationError('a quotation mark in the middle of a field')
    }
    fields.push(field)
    if (at >= line.length) return fields
    at += delimiter.length
  }
}

const MODES = ['strict', 'lazyQuotes', 'ignoreQuotes']

/** What is in a value at a path of keys. */
function within(value: AnyValue, path: readonly string[]): AnyValue {
  let at = value
  for (const key of path) {
    const found: AnyValue | undefined =
      at.type === 'map' ? at.value.find((entry) => entry.key === key)?.value : undefined
    if (!found) throw new EvaluationError(`an element has nothing at ${JSON.stringify(path)}`)
    at = found
  }
  return at
}

export const PARSERS = [
  defineConverter('ParseJSON', { target: string }, parseJson),

  defineFunction(
    'ParseKeyValue',
    { target: string, delimiter: optional(writtenString), pairDelimiter: optional(writtenString) },
    (given) => {
      const { delimiter, pairDelimiter } = delimiters(given.delimiter, given.pairDelimiter)
      return (item) => {
        const text = given.target.get(item)
        if (text === '') throw new EvaluationError('there are no keys and values in an empty text')
        const pairs = splitQuoted(text, pairDelimiter).map((pair): [string, string] => {
          const at = pair.indexOf(delimiter)
          if (at < 0) throw new EvaluationError(`${JSON.stringify(pair)} has no ${JSON.stringify(delimiter)}`)
          return [pair.slice(0, at).trim(), pair.slice(at + delimiter.length).trim()]
        })
        return mapValue(new Map(pairs))
      }
    },
  ),

  defineFunction(
    'ToKeyValueString',
    {
      target: map,
      delimiter: optional(writtenString),
      pairDelimiter: optional(writtenString),
      sortOutput: optional(writtenBool),
    },
    (given) => {
      const { delimiter, pairDelimiter } = delimiters(given.delimiter, given.pairDelimiter)
      const quoted = (text: string): string => {
        const escaped = text.replaceAll('"', String.raw`\"`)
        return escaped.includes(delimiter) || escaped.includes(pairDelimiter) ? `"${escaped}"` : escaped
      }
      return (item) => {
        const entries = given.target.get(item)
        const ordered = given.sortOutput ? entries.toSorted((a, b) => orderOfTexts(a.key, b.key)) : entries
        return ordered.map(({ key, value }) => quoted(key) + delimiter + quoted(valueText(value))).join(pairDelimiter)
      }
    },
  ),

  defineFunction(
    'ParseCSV',
    {
      target: string,
      header: string,
      delimiter: optional(writtenString),
      headerDelimiter: optional(writtenString),
      mode: optional(writtenString),
    },
    ({ target, header, delimiter = ',', headerDelimiter = delimiter, mode = 'strict' }) => {
      if (Array.from(delimiter).length !== 1 || Array.from(headerDelimiter).length !== 1)
        throw new EvaluationError('a delimiter is one character')
      if (!MODES.includes(mode))
        throw new EvaluationError(`unknown mode ${JSON.stringify(mode)}; known: ${MODES.join(', ')}`)
      return (item) => {
        const text = target.get(item)
        const names = header.get(item)
        if (names === '') throw new EvaluationError('the header is empty')
        const keys = names.split(headerDelimiter)
        const fields =
          mode === 'ignoreQuotes' ? text.split(delimiter) : csvFields(text, delimiter, mode === 'lazyQuotes')
        if (keys.length !== fields.length)
          throw new EvaluationError(`there are ${keys.length} names in the header and ${fields.length} fields`)
        return mapValue(new Map(keys.map((key, index) => [key, fields[index]!])))
      }
    },
  ),

  defineFunction('ExtractPatterns', { target: string, pattern: regex }, ({ target, pattern }) => (item) => {
    const expression = pattern.get(item)
    const { groupNames } = expression
    if (!groupNames.some((name) => name !== ''))
      throw new EvaluationError('the pattern has no group with a name, like (?P<name>…)')
    const groups = expression.match(target.get(item))
    if (!groups) return mapValue([])
    const named = groupNames.map((name, index): [string, string] => [name, groups[index] ?? ''])
    return mapValue(new Map(named.filter(([name]) => name !== '')))
  }),

  defineConverter('URL', { uri: string }, urlParts),

  defineFunction(
    'SliceToMap',
    { target: list, keyPath: optional(listOf(writtenString)), valuePath: optional(listOf(writtenString)) },
    ({ target, keyPath, valuePath }) =>
      (item) => {
        const entries = target.get(item).map((element, index): [string, AnyValue] => {
          const key = keyPath ? fromAny(within(element, keyPath)) : String(index)
          if (typeof key !== 'string') throw new EvaluationError(`a key must be a string, got ${typeName(key)}`)
          return [key, valuePath ? within(element, valuePath) : element]
        })
        return { type: 'map', value: Array.from(new Map(entries), ([key, value]) => ({ key, value })) }
      },
  ),
]
