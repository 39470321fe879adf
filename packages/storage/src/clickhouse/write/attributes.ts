import { readAttribute, textOf } from '../../local/block/attribute.ts'
import type { RowWriter } from '../row-binary.ts'
import { Fields } from './fields.ts'

/** KeyValue.key and .value; AnyValue.string_value, .bool_value and .int_value. */
const KEY = 0x0a
const VALUE = 0x12
const STRING = 0x0a
const BOOL = 0x10
const INT = 0x18

/** Writes attributes as maps from text to text, see `textOf`. */
export class AttributeWriter {
  readonly #message = new Fields()
  /** Of an attribute. */
  readonly #fields = new Fields()

  /** The attributes of a message, which are in its fields of this tag. */
  map(row: RowWriter, bytes: Uint8Array, start: number, end: number, tag: number): void {
    const message = this.#message
    let count = 0
    message.open(bytes, start, end)
    while (message.next()) if (message.tag === tag) count++
    row.varint(count)
    if (count === 0) return
    message.open(bytes, start, end)
    while (message.next()) if (message.tag === tag) this.#attribute(row, bytes, message.start, message.end)
  }

  #attribute(row: RowWriter, bytes: Uint8Array, start: number, end: number): void {
    // Key, then text of less than 126 bytes: most attributes are that.
    const keyEnd = start + 2 + bytes[start + 1]!
    const value = keyEnd + 4
    if (
      bytes[start] === KEY &&
      bytes[start + 1]! < 128 &&
      value <= end &&
      bytes[keyEnd] === VALUE &&
      bytes[keyEnd + 1] === end - keyEnd - 2 &&
      bytes[keyEnd + 2] === STRING &&
      bytes[keyEnd + 3] === end - value &&
      end - value < 126
    ) {
      row.range(bytes, start + 2, keyEnd)
      row.range(bytes, value, end)
    } else this.#anyAttribute(row, bytes, start, end)
  }

  #anyAttribute(row: RowWriter, bytes: Uint8Array, start: number, end: number): void {
    const fields = this.#fields
    let [keyStart, keyEnd, valueStart, valueEnd] = [start, start, end, end]
    let isPlain = true
    fields.open(bytes, start, end)
    while (fields.next()) {
      if (fields.tag === KEY) [keyStart, keyEnd] = [fields.start, fields.end]
      else if (fields.tag === VALUE) {
        // Several of one are put together.
        isPlain = valueStart === end
        ;[valueStart, valueEnd] = [fields.start, fields.end]
      }
    }
    row.range(bytes, keyStart, keyEnd)
    if (!isPlain || !this.#plainValue(row, bytes, valueStart, valueEnd)) row.text(textIn(bytes, start, end))
  }

  /** False, and nothing is written, for what is not one text, or one small number. */
  #plainValue(row: RowWriter, bytes: Uint8Array, start: number, end: number): boolean {
    const fields = this.#fields
    fields.open(bytes, start, end)
    if (!fields.next() || fields.end !== end) return false
    if (fields.tag === STRING) row.range(bytes, fields.start, fields.end)
    else if (fields.tag === INT && end - fields.start <= 7) row.text(String(varintAt(bytes, fields.start, end)))
    else if (fields.tag === BOOL) row.text(varintAt(bytes, fields.start, end) === 0 ? 'false' : 'true')
    else return false
    return true
  }
}

function varintAt(bytes: Uint8Array, start: number, end: number): number {
  let value = 0
  for (let p = start, scale = 1; p < end; p++, scale *= 128) value += (bytes[p]! & 127) * scale
  return value
}

/** '' where it is malformed. */
function textIn(bytes: Uint8Array, start: number, end: number): string {
  const attribute = readAttribute(bytes, start, end)
  return attribute ? textOf(attribute.value) : ''
}
