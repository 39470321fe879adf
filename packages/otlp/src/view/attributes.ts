import { decodeAnyValue, decodeKeyValue } from '../decode.ts'
import type { AnyValue, KeyValue } from '../model.ts'
import { doubled } from '../doubled.ts'
import { messageType } from '../schema.ts'
import { utf8 } from '../text.ts'
import { LENGTH, next, readTag, skipField } from '../wire.ts'
import { ABSENT, findAttribute, UNSURE, valueEnd } from './find-attribute.ts'
import { REMOVED, type MessageView } from './message-view.ts'

/** Of a string in an `AnyValue`. */
const STRING_TAG = 0x0a
const MAX_PROBES = 2
const KEY_VALUE = messageType('KeyValue').known

/**
 * The attributes of a {@link MessageView}. Only what is asked for is decoded, keys are compared as bytes. Where a key comes twice, which the
 * specification forbids, the first counts, as in the Collector; taking a key out takes out all of it.
 */
export class Attributes {
  readonly #view: MessageView
  readonly #number: number
  readonly #tag: number
  /** How often something was looked for in the message without knowing where all is. */
  #probes = 0
  #probed = 0
  #asciiKey = ''
  #generation = 0
  #count = 0
  /** The field of each, and where its key and its value are; the value starts at -1 where it is not in the plain form. */
  #field = new Int32Array(32)
  #keyStart = new Int32Array(32)
  #keyEnd = new Int32Array(32)
  #valueStart = new Int32Array(32)

  constructor(view: MessageView, number: number) {
    this.#view = view
    this.#number = number
    this.#tag = (number << 3) | LENGTH
  }

  /** How many there are. */
  get size(): number {
    this.#read()
    let size = 0
    for (let i = 0; i < this.#count; i++) if (this.#view.edits[this.#field[i]!] !== REMOVED) size++
    return size
  }

  has(key: string): boolean {
    const start = this.#probe(key)
    return start === UNSURE ? this.#find(key) >= 0 : start !== ABSENT
  }

  /** Undefined where there is none. */
  get(key: string): AnyValue | undefined {
    const start = this.#probe(key)
    if (start >= 0) return decodeAnyValue(this.#view.bytes, start, valueEnd)
    if (start === ABSENT) return undefined
    const at = this.#find(key)
    return at < 0 ? undefined : this.#valueAt(at)
  }

  /** The value where it is a string, without an object around it. */
  text(key: string): string | undefined {
    const value = this.get(key)
    return value?.type === 'string' ? value.value : undefined
  }

  /** Whether the value is that string; it is compared as bytes where it can be. */
  isText(key: string, text: string): boolean {
    const start = this.#probe(key)
    if (start === ABSENT) return false
    const { bytes } = this.#view
    const length = valueEnd - start - 2
    if (start === UNSURE || length < 0 || bytes[start] !== STRING_TAG || bytes[start + 1] !== length) {
      return this.text(key) === text
    }
    if (length !== text.length && length < text.length) return false
    for (let i = 0; i < text.length; i++) {
      const code = text.charCodeAt(i)
      if (code > 127) return this.text(key) === text
      if (bytes[start + 2 + i] !== code) return false
    }
    return length === text.length
  }

  /** Replaces the value of the key, or adds the attribute as the last. */
  set(key: string, value: AnyValue): void {
    const at = this.#find(key)
    if (at < 0) this.#append({ key, value })
    else if (!isSame(this.#valueAt(at), value)) this.#view.edit(this.#field[at]!, { key, value })
  }

  /** Says whether there was one. */
  delete(key: string): boolean {
    const first = this.#find(key)
    for (let i = first; i >= 0 && i < this.#count; i++) {
      if (this.#isThere(i) && this.#keyAt(i) === key) this.#view.edit(this.#field[i]!, REMOVED)
    }
    return first >= 0
  }

  /** Gives an attribute another key, in its place and with its value; what had that key is taken out. Says whether there was one. */
  rename(key: string, to: string): boolean {
    const value = this.get(key)
    if (value === undefined) return false
    if (key === to) return true
    this.delete(to)
    this.#view.edit(this.#field[this.#find(key)]!, { key: to, value })
    this.delete(key)
    return true
  }

  /** In the order of the bytes. */
  keys(): string[] {
    this.#read()
    const keys: string[] = []
    for (let i = 0; i < this.#count; i++) if (this.#isThere(i)) keys.push(this.#keyAt(i))
    return keys
  }

  toArray(): KeyValue[] {
    this.#read()
    const all: KeyValue[] = []
    for (let i = 0; i < this.#count; i++) {
      if (this.#isThere(i)) all.push({ key: this.#keyAt(i), value: this.#valueAt(i) })
    }
    return all
  }

  /** Takes out those whose key `isKept` is false for, and says how many that were. */
  retain(isKept: (key: string) => boolean): number {
    this.#read()
    let removed = 0
    for (let i = 0; i < this.#count; i++) {
      if (!this.#isThere(i) || isKept(this.#keyAt(i))) continue
      this.#view.edit(this.#field[i]!, REMOVED)
      removed++
    }
    return removed
  }

  /** Replaces each value by what `change` gives: the value itself where it stays, undefined where the attribute is taken out. */
  update(change: (key: string, value: AnyValue) => AnyValue | undefined): void {
    this.#read()
    for (let i = 0; i < this.#count; i++) {
      if (!this.#isThere(i)) continue
      const key = this.#keyAt(i)
      const value = this.#valueAt(i)
      const changed = change(key, value)
      if (!changed || !isSame(changed, value))
        this.#view.edit(this.#field[i]!, changed ? { key, value: changed } : REMOVED)
    }
  }

  /** Has these and no others. */
  replaceAll(attributes: readonly KeyValue[]): void {
    this.retain(() => false)
    for (const attribute of attributes) this.#append(attribute)
  }

  /** Where the value is, if it was found without an index of all: twice in a message, then one is made. */
  #probe(key: string): number {
    const view = this.#view
    if (!view.unread) return UNSURE
    if (this.#probed !== view.generation) {
      this.#probed = view.generation
      this.#probes = 0
    }
    if (++this.#probes > MAX_PROBES) return UNSURE
    if (key !== this.#asciiKey) {
      if (key === '' || key.length > 127 || !isAscii(key)) return UNSURE
      this.#asciiKey = key
    }
    return findAttribute(view.bytes, view.start, view.end, this.#tag, key)
  }

  #isThere(i: number): boolean {
    return this.#view.edits[this.#field[i]!] !== REMOVED
  }

  #find(key: string): number {
    this.#read()
    const { bytes, isChanged } = this.#view
    const count = this.#count
    if (isChanged || !isAscii(key)) {
      for (let i = 0; i < count; i++) if (this.#isThere(i) && this.#keyAt(i) === key) return i
      return -1
    }
    const keyStart = this.#keyStart
    const keyEnd = this.#keyEnd
    const length = key.length
    for (let i = 0; i < count; i++) {
      const start = keyStart[i]!
      if (keyEnd[i]! - start !== length) continue
      let at = 0
      while (at < length && bytes[start + at] === key.charCodeAt(at)) at++
      if (at === length) return i
    }
    return -1
  }

  #keyAt(i: number): string {
    const edit = this.#view.edits[this.#field[i]!]
    return edit === undefined ? utf8(this.#view.bytes, this.#keyStart[i]!, this.#keyEnd[i]!) : (edit as KeyValue).key
  }

  #valueAt(i: number): AnyValue {
    const { bytes, edits, fields } = this.#view
    const field = this.#field[i]!
    const edit = edits[field]
    if (edit !== undefined) return (edit as KeyValue).value
    const start = this.#valueStart[i]!
    const end = fields.end[field]!
    return start < 0 ? decodeKeyValue(bytes, fields.start[field], end).value : decodeAnyValue(bytes, start, end)
  }

  #append(attribute: KeyValue): void {
    this.#read()
    const field = this.#view.append(this.#view.fieldOf(this.#number))
    this.#view.edit(field, attribute)
    this.#add(field, 0, 0, 0)
  }

  #read(): void {
    const view = this.#view
    if (this.#generation === view.generation) return
    view.readFields()
    this.#generation = view.generation
    this.#count = 0
    const { bytes } = view
    const { tag, start, end, count } = view.fields
    const number = this.#number
    for (let i = 0; i < count; i++) {
      if (tag[i]! >>> 3 !== number) continue
      const from = start[i]!
      const stop = end[i]!
      // As every SDK writes it, short: a key, and a value that ends where the attribute does.
      const keyEnd = from + 2 < stop ? from + 2 + bytes[from + 1]! : stop
      const isPlain =
        bytes[from] === 0x0a &&
        bytes[from + 1]! < 128 &&
        keyEnd + 2 <= stop &&
        bytes[keyEnd] === 0x12 &&
        bytes[keyEnd + 1]! < 128 &&
        stop === keyEnd + 2 + bytes[keyEnd + 1]!
      if (isPlain) this.#add(i, from + 2, keyEnd, keyEnd + 2)
      else this.#locate(i, from, stop)
    }
  }

  #locate(field: number, p: number, end: number): void {
    const { bytes } = this.#view
    let keyStart = p
    let keyEnd = p
    while (p < end) {
      const tag = readTag(bytes, p, end)
      p = skipField(bytes, next, end, tag, tag === 0x0a || tag === 0x12 ? 0 : KEY_VALUE)
      if (tag === 0x0a) {
        keyStart = next
        keyEnd = p
      }
    }
    this.#add(field, keyStart, keyEnd, -1)
  }

  #add(field: number, keyStart: number, keyEnd: number, valueStart: number): void {
    const i = this.#count++
    if (i === this.#field.length) this.#grow()
    this.#field[i] = field
    this.#keyStart[i] = keyStart
    this.#keyEnd[i] = keyEnd
    this.#valueStart[i] = valueStart
  }

  #grow(): void {
    this.#field = doubled(this.#field)
    this.#keyStart = doubled(this.#keyStart)
    this.#keyEnd = doubled(this.#keyEnd)
    this.#valueStart = doubled(this.#valueStart)
  }
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) > 127) return false
  return true
}

/** Whether they are the same without a look into lists. */
function isSame(a: AnyValue, b: AnyValue): boolean {
  return a === b || (a.type === b.type && 'value' in a && 'value' in b && Object.is(a.value, b.value))
}
