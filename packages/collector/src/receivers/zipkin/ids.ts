import { CollectorError } from '../../component/index.ts'

/** Lower-case hex of so many digits, with zeros in front where there are fewer. Throws `invalid_data`, also for zero. */
export function idOf(text: string, digits: 16 | 32, place: string): string {
  const id = text.toLowerCase().padStart(digits, '0')
  if (id.length === digits && /^[0-9a-f]+$/.test(id) && /[1-9a-f]/.test(id)) return id
  throw new CollectorError(
    'invalid_data',
    `${place}: "${text}" is not an id; it has up to ${digits} digits of hex, and is not zero`,
  )
}

/** The same of a number of 64 bits. */
export function idOfNumber(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, '0')
}

/** Empty text for no parent: none is written, or zero, or the span itself. */
export function parentIdOf(text: string, id: string, place: string): string {
  if (/^0*$/.test(text)) return ''
  const parent = idOf(text, 16, place)
  return parent === id ? '' : parent
}
