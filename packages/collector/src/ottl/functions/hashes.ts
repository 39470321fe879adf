/** Hashes and encodings of texts. */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { EvaluationError } from '../error.ts'
import { defineConverter, defineFunction, type FunctionDefinition } from '../function.ts'
import { murmur3, murmur3Of128 } from '../hash/murmur3.ts'
import { xxh128, xxh3 } from '../hash/xxh3.ts'
import { NO_ITEM } from '../node.ts'
import { any, optional, string } from '../parameters.ts'
import { typeName } from '../value.ts'

function hash(name: string, algorithm: string): FunctionDefinition {
  return defineConverter(name, { target: string }, (text) => createHash(algorithm).update(text).digest('hex'))
}

const FNV_OFFSET = 0xcbf2_9ce4_8422_2325n
const FNV_PRIME = 0x100_0000_01b3n

/** FNV-1a of 64 bits, with a sign. */
function fnv(text: string): bigint {
  let hash = FNV_OFFSET
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * FNV_PRIME)
  return BigInt.asIntN(64, hash)
}

/** Node's decoder takes whatever it gets; Go's does not. */
function fromBase64(text: string, variant: string): Buffer {
  const plain = text.replace(/[\r\n]/g, '')
  const isUrl = variant.includes('url')
  const isRaw = variant.includes('raw')
  const alphabet = isUrl ? /^[A-Za-z0-9_-]*={0,2}$/ : /^[A-Za-z0-9+/]*={0,2}$/
  const digits = plain.replace(/=+$/, '')
  const isWhole = isRaw ? digits === plain && digits.length % 4 !== 1 : plain.length % 4 === 0
  if (!alphabet.test(plain) || !isWhole)
    throw new EvaluationError(`${JSON.stringify(text.slice(0, 100))} is no ${variant}`)
  return Buffer.from(digits, isUrl ? 'base64url' : 'base64')
}

const VARIANTS = ['base64', 'base64-raw', 'base64-url', 'base64-raw-url']
const CHARSETS: Readonly<Record<string, string>> = {
  'utf-8': 'utf-8',
  utf8: 'utf-8',
  'utf-16': 'utf-16le',
  utf16: 'utf-16le',
  'utf-16le': 'utf-16le',
  'utf-16be': 'utf-16be',
  'us-ascii': 'utf-8',
  ascii: 'utf-8',
  'iso-8859-1': 'latin1',
  latin1: 'latin1',
}

function decode(bytes: Uint8Array, encoding: string): string {
  if (VARIANTS.includes(encoding)) return fromBase64(Buffer.from(bytes).toString('latin1'), encoding).toString()
  const charset = CHARSETS[encoding.toLowerCase()]
  if (charset === undefined)
    throw new EvaluationError(
      `the encoding ${JSON.stringify(encoding)} is not supported; known: ${[...VARIANTS, ...Object.keys(CHARSETS)].join(', ')}`,
    )
  return charset === 'latin1' ? Buffer.from(bytes).toString('latin1') : new TextDecoder(charset).decode(bytes)
}

/** Of the time and of chance. */
function uuidV7(): string {
  const bytes = randomBytes(16)
  bytes.writeUIntBE(Date.now(), 0, 6)
  bytes[6] = (bytes[6]! & 0x0f) | 0x70
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

export const HASHES = [
  hash('MD5', 'md5'),
  hash('SHA1', 'sha1'),
  hash('SHA256', 'sha256'),
  hash('SHA512', 'sha512'),
  defineConverter('FNV', { target: string }, fnv),
  defineConverter('Murmur3Hash', { target: string }, (text) => murmur3(Buffer.from(text))),
  defineConverter('Murmur3Hash128', { target: string }, (text) => murmur3Of128(Buffer.from(text))),
  defineConverter('XXH3', { target: string }, (text) => xxh3(Buffer.from(text))),
  defineConverter('XXH128', { target: string }, (text) => xxh128(Buffer.from(text))),
  defineConverter('Base64Decode', { target: string }, (value) => fromBase64(value, 'base64').toString()),
  defineFunction('Base64Encode', { target: string, variant: optional(string) }, ({ target, variant }) => (item) => {
    const name = variant?.get(item) ?? 'base64'
    if (!VARIANTS.includes(name))
      throw new EvaluationError(`unknown variant ${JSON.stringify(name)}; known: ${VARIANTS.join(', ')}`)
    const text = Buffer.from(target.get(item)).toString('base64')
    const letters = name.includes('url') ? text.replaceAll('+', '-').replaceAll('/', '_') : text
    return name.includes('raw') ? letters.replace(/=+$/, '') : letters
  }),
  defineFunction('Decode', { target: any, encoding: string }, ({ target, encoding }) => {
    if (encoding.isLiteral) decode(new Uint8Array(0), encoding.get(NO_ITEM))
    return (item) => {
      const value = target.get(item)
      if (typeof value !== 'string' && !(value instanceof Uint8Array))
        throw new EvaluationError(`a ${typeName(value)} cannot be decoded`)
      return decode(typeof value === 'string' ? Buffer.from(value) : value, encoding.get(item))
    }
  }),
  defineFunction('UUID', {}, () => () => randomUUID()),
  defineFunction('UUIDv7', {}, () => uuidV7),
]
