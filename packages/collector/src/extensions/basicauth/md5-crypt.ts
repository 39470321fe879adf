/**
 * Poul-Henning Kamp's MD5-based password hash, in Apache's form (`$apr1$`) or that of crypt (`$1$`): a thousand rounds of MD5.
 * Source: httpd.apache.org, "Password Formats"; crypt(5).
 */
import { hash } from 'node:crypto'

const DIGITS = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const ROUNDS = 1000
/** Which bytes of the digest make a group of four digits. */
const GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const

const md5 = (...parts: readonly Uint8Array[]): Buffer => hash('md5', Buffer.concat(parts), 'buffer')

/** The whole hash, with `magic` (`$apr1$`) and salt. */
export function md5Crypt(password: string, salt: string, magic: string): string {
  const word = Buffer.from(password)
  const salted = Buffer.from(salt)
  const inner = md5(word, salted, word)
  const first: Uint8Array[] = [word, Buffer.from(magic), salted]
  for (let left = word.length; left > 0; left -= 16) first.push(inner.subarray(0, Math.min(16, left)))
  for (let bits = word.length; bits > 0; bits >>= 1) first.push(bits & 1 ? Buffer.of(0) : word.subarray(0, 1))
  let digest = md5(...first)
  for (let round = 0; round < ROUNDS; round++) {
    const parts = [round & 1 ? word : digest]
    if (round % 3 !== 0) parts.push(salted)
    if (round % 7 !== 0) parts.push(word)
    parts.push(round & 1 ? digest : word)
    digest = md5(...parts)
  }
  const text = GROUPS.map(([a, b, c]) => digits((digest[a]! << 16) | (digest[b]! << 8) | digest[c]!, 4))
  return `${magic}${salt}$${text.join('')}${digits(digest[11]!, 2)}`
}

function digits(value: number, count: number): string {
  let text = ''
  for (let left = value, index = 0; index < count; index++, left >>= 6) text += DIGITS[left & 0x3f]
  return text
}
