/** Texts of texts. */
import { BlockList, isIP } from 'node:net'
import { EvaluationError } from '../error.ts'
import { format } from '../format.ts'
import { defineConverter, defineFunction } from '../function.ts'
import { folded } from '../node.ts'
import { any, int, listOf, optional, regex, string, stringLike, writtenBool, writtenString } from '../parameters.ts'
import { list } from '../value.ts'

const lower = (text: string): string => eachOf(text, (character) => character.toLowerCase())
const upper = (text: string): string => eachOf(text, (character) => character.toUpperCase())

/** Character for character, as Go has it; what would be several stays as it is. */
function eachOf(text: string, change: (text: string) => string): string {
  // eslint-disable-next-line no-control-regex
  if (/^[\x00-\x7f]*$/.test(text)) return change(text)
  return text.replace(/[^]/gu, (character) => {
    const changed = change(character)
    return changed.length > 2 || Array.from(changed).length > 1 ? character : changed
  })
}

/** A word ends where the case changes, or a number begins or ends; some capitals are one word with the last of them in the next. */
function snakeCase(text: string): string {
  const kindOf = (character: string | undefined): string =>
    character === undefined
      ? ''
      : /[A-Z]/.test(character)
        ? 'A'
        : /[a-z]/.test(character)
          ? 'a'
          : /\d/.test(character)
            ? '0'
            : '.'
  const characters = Array.from(text.trim())
  let result = ''
  characters.forEach((character, index) => {
    const kind = kindOf(character)
    const next = kindOf(characters[index + 1])
    const isChange = next !== '.' && next !== '' && kind !== '.' && kind !== next
    if (isChange && kind === 'A' && next === 'a' && kindOf(characters[index - 1]) === 'A') result += '_'
    result += /[ _.-]/.test(character) ? '_' : character.replace(/[A-Z]/, lower)
    if (isChange && (kind !== 'A' || next === '0')) result += '_'
  })
  return result
}

/** Letters and digits only, a capital at the start of each word; of capitals that follow each other the first stays one. */
function camelCase(text: string): string {
  const trimmed = text.trim()
  if (trimmed === 'ID') return 'Id'
  let result = ''
  let startsWord = true
  let previousIsCapital = false
  for (const character of trimmed) {
    const isCapital = /[A-Z]/.test(character)
    const isLetter = isCapital || /[a-z]/.test(character)
    if (isLetter) {
      result += startsWord ? upper(character) : previousIsCapital && isCapital ? lower(character) : character
      startsWord = false
    } else if (/\d/.test(character)) {
      result += character
      startsWord = true
    } else startsWord = /[_ .-]/.test(character)
    previousIsCapital = isCapital
  }
  return result
}

const CASES: Readonly<Record<string, (text: string) => string>> = { lower, upper, snake: snakeCase, camel: camelCase }

/** Without the characters of the set at its ends. */
function trimmed(text: string, set: string): string {
  const characters = Array.from(text)
  let start = 0
  let end = characters.length
  while (start < end && set.includes(characters[start]!)) start++
  while (end > start && set.includes(characters[end - 1]!)) end--
  return characters.slice(start, end).join('')
}

function substring(text: string, start: bigint, length: bigint, isUtf8Safe: boolean): string {
  if (start < 0n) throw new EvaluationError(`a substring cannot start at ${start}`)
  if (length <= 0n) throw new EvaluationError(`a substring cannot have ${length} bytes`)
  const bytes = Buffer.from(text)
  if (start + length > BigInt(bytes.length))
    throw new EvaluationError(`there is no substring from ${start} of ${length} bytes in a text of ${bytes.length}`)
  let from = Number(start)
  let to = Number(start + length)
  const isInside = (at: number): boolean => at < bytes.length && (bytes[at]! & 0xc0) === 0x80
  if (isUtf8Safe) {
    while (isInside(from)) from++
    while (from < to && isInside(to)) to--
  }
  return bytes.toString('utf8', from, Math.max(from, to))
}

function networksOf(networks: readonly string[]): BlockList {
  const result = new BlockList()
  for (const network of networks) {
    const [address = '', prefix = ''] = network.split('/')
    const version = isIP(address)
    if (version === 0 || !/^\d+$/.test(prefix) || Number(prefix) > (version === 4 ? 32 : 128))
      throw new EvaluationError(`${JSON.stringify(network)} is no network, like 10.0.0.0/8`)
    result.addSubnet(address, Number(prefix), version === 4 ? 'ipv4' : 'ipv6')
  }
  return result
}

export const STRINGS = [
  defineFunction(
    'Concat',
    { vals: listOf(stringLike), delimiter: string },
    ({ vals, delimiter }) =>
      (item) =>
        vals.map((value) => value.get(item) ?? '<nil>').join(delimiter.get(item)),
  ),
  defineFunction('Split', { target: string, delimiter: string }, ({ target, delimiter }) => (item) => {
    const separator = delimiter.get(item)
    const text = target.get(item)
    return list(separator === '' ? Array.from(text) : text.split(separator))
  }),
  defineFunction(
    'Substring',
    { target: string, start: int, length: int, utf8Safe: optional(writtenBool) },
    ({ target, start, length, utf8Safe = false }) =>
      (item) =>
        substring(target.get(item), start.get(item), length.get(item), utf8Safe),
  ),
  defineConverter('ToLowerCase', { target: string }, lower),
  defineConverter('ToUpperCase', { target: string }, upper),
  defineConverter('ToSnakeCase', { target: string }, snakeCase),
  defineConverter('ToCamelCase', { target: string }, camelCase),
  defineFunction('ConvertCase', { target: string, toCase: writtenString }, ({ target, toCase }) => {
    const convert = CASES[toCase]
    if (!convert)
      throw new EvaluationError(`unknown case ${JSON.stringify(toCase)}; known: ${Object.keys(CASES).join(', ')}`)
    return (item) => convert(target.get(item))
  }),
  defineFunction(
    'Trim',
    { target: string, replacement: optional(writtenString) },
    ({ target, replacement = ' ' }) =>
      (item) =>
        trimmed(target.get(item), replacement),
  ),
  defineFunction('TrimPrefix', { target: string, prefix: string }, ({ target, prefix }) => (item) => {
    const text = target.get(item)
    const start = prefix.get(item)
    return text.startsWith(start) ? text.slice(start.length) : text
  }),
  defineFunction('TrimSuffix', { target: string, suffix: string }, ({ target, suffix }) => (item) => {
    const text = target.get(item)
    const end = suffix.get(item)
    return text.endsWith(end) ? text.slice(0, text.length - end.length) : text
  }),
  defineFunction(
    'HasPrefix',
    { target: string, prefix: string },
    ({ target, prefix }) =>
      (item) =>
        target.get(item).startsWith(prefix.get(item)),
  ),
  defineFunction(
    'HasSuffix',
    { target: string, suffix: string },
    ({ target, suffix }) =>
      (item) =>
        target.get(item).endsWith(suffix.get(item)),
  ),
  defineFunction('IsMatch', { target: stringLike, pattern: regex }, ({ target, pattern }) => (item) => {
    const text = target.get(item)
    return text !== undefined && pattern.get(item).test(text)
  }),
  defineFunction('IsInCIDR', { target: string, networks: listOf(string) }, ({ target, networks }) => {
    const lists = folded(networks, (item) => networksOf(networks.map((each) => each.get(item))))
    return (item) => {
      const address = target.get(item)
      const version = isIP(address)
      if (version === 0) return false
      return lists.get(item).check(address, version === 4 ? 'ipv4' : 'ipv6')
    }
  }),
  defineFunction(
    'Format',
    { format: writtenString, vals: listOf(any) },
    (given) => (item) =>
      format(
        given.format,
        given.vals.map((value) => value.get(item)),
      ),
  ),
]
