import type { Pieces } from '../pieces.ts'
import { Fields } from '../fields.ts'
import { joinBytes } from '../join.ts'
import { readField, writeField, zeroOf, type FieldValue } from '../field-value.ts'
import type { Field, MessageType } from '../schema.ts'
import { LENGTH } from '../wire.ts'
import { createWriter, finish, mark, writeRange, type Writer } from '../writer.ts'

const NO_BYTES: Uint8Array = new Uint8Array(0)

/** An index behind all others. */
const NONE = 2 ** 30

/** In place of a field that is taken out. */
export const REMOVED = Symbol('removed')

/**
 * A message in bytes that can be read and changed: where its fields are is found out when one is asked for, a value is
 * decoded when it is read, and what nobody changes stays byte for byte and in its place. New fields come last. One view
 * is used for one message after the other, so that it is only valid within the call that it was handed to.
 *
 * As protobuf says: of a field that comes twice the last counts, and a message that comes twice is merged. Reading
 * throws {@link OtlpError} where the bytes are not a message of the type.
 */
export class MessageView {
  /** @internal */
  readonly fields: Fields
  /** What is in place of fields, by their index; nothing for those that are as they came. @internal */
  readonly edits: (FieldValue | typeof REMOVED | undefined)[] = []
  /** @internal */
  bytes: Uint8Array = NO_BYTES
  /** Another number for each message that is opened. @internal */
  generation = 0
  readonly #type: MessageType
  /** What was opened. */
  /** @internal */
  start = 0
  /** @internal */
  end = 0
  #firstEdit = NONE
  #lastEdit = -1
  #isRead = false
  #isChanged = false
  #isDropped = false

  constructor(type: MessageType) {
    this.#type = type
    this.fields = new Fields(type)
  }

  /** Takes it out. */
  drop(): void {
    this.#isDropped = true
  }

  get isDropped(): boolean {
    return this.#isDropped
  }

  /** Whether anything in it was changed. */
  get isChanged(): boolean {
    return this.#isChanged
  }

  /** The message in `[start, end)`, from now on. @internal */
  open(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes
    this.start = start
    this.end = end
    for (let i = this.#firstEdit; i <= this.#lastEdit; i++) this.edits[i] = undefined
    this.#firstEdit = NONE
    this.#lastEdit = -1
    this.#isRead = this.#isChanged = this.#isDropped = false
    this.generation++
  }

  /** Lets go of the bytes, which would stay in memory with the view. @internal */
  release(): void {
    this.open(NO_BYTES, 0, 0)
  }

  /** Where the bytes of the message are, if they are in one piece, and nobody knows where its fields are. @internal */
  get unread(): boolean {
    return !this.#isRead && this.isWhole
  }

  /** Whether what was opened is the message itself. */
  protected get isWhole(): boolean {
    return true
  }

  /** Finds the fields, at the first call. @internal */
  readFields(): void {
    if (this.#isRead) return
    this.fields.count = 0
    this.readPieces()
    this.#isRead = true
  }

  /** Finds the fields of the message that was opened; of one that comes in pieces, those of all. */
  protected readPieces(): void {
    this.fields.read(this.bytes, this.start, this.end)
  }

  /** The index of the last field with that number, -1 where there is none. @internal */
  find(number: number): number {
    this.readFields()
    const { tag, count } = this.fields
    for (let i = count - 1; i >= 0; i--) {
      if (tag[i]! >>> 3 === number && this.edits[i] !== REMOVED) return i
    }
    return -1
  }

  /** Whether the field is there; of fields with presence, and of messages, that is more than having a value. */
  protected has(number: number): boolean {
    return this.find(number) >= 0
  }

  protected value(number: number): FieldValue {
    const index = this.find(number)
    const field = this.fieldOf(number)
    if (index < 0) return zeroOf(field)
    const edit = this.edits[index]
    if (edit !== undefined) return edit as FieldValue
    if (field.message) {
      const merged = this.content(number)
      return readField(merged, 0, merged.length, field)
    }
    return readField(this.bytes, this.fields.start[index]!, this.fields.end[index]!, field)
  }

  /** Sets the field; its zero value takes it out where that means the same. */
  protected put(number: number, value: FieldValue): void {
    const field = this.fieldOf(number)
    const index = this.find(number)
    if (!field.message && (index >= 0 || !field.presence) && Object.is(this.value(number), value)) return
    const { tag, count } = this.fields
    if (field.oneof || field.message) {
      for (let i = 0; i < count; i++) {
        const other = this.#type.byNumber[tag[i]! >>> 3]
        if (i !== index && (other === field || (field.oneof && other?.oneof))) this.edit(i, REMOVED)
      }
    }
    if (!field.presence && !field.message && Object.is(value, zeroOf(field))) this.remove(number)
    else this.edit(index < 0 ? this.append(field) : index, value)
  }

  /** Takes all fields with that number out. */
  protected remove(number: number): void {
    this.readFields()
    const { tag, count } = this.fields
    for (let i = 0; i < count; i++) if (tag[i]! >>> 3 === number) this.edit(i, REMOVED)
  }

  /** The index of a field that is new, for {@link edit}. @internal */
  append(field: Field): number {
    const index = this.fields.add((field.number << 3) | field.wireType)
    this.#setEdit(index, REMOVED)
    return index
  }

  /** @internal */
  edit(index: number, edit: FieldValue | typeof REMOVED): void {
    this.#setEdit(index, edit)
    this.#isChanged = true
  }

  #setEdit(index: number, edit: FieldValue | typeof REMOVED): void {
    this.edits[index] = edit
    if (index < this.#firstEdit) this.#firstEdit = index
    if (index > this.#lastEdit) this.#lastEdit = index
  }

  /** @internal */
  fieldOf(number: number): Field {
    return this.#type.byNumber[number]!
  }

  /** The content of a message field, its pieces laid end to end, which merges them. @internal */
  content(number: number): Uint8Array {
    this.readFields()
    const { tag, start, end, count } = this.fields
    const parts: Uint8Array[] = []
    for (let i = 0; i < count; i++) {
      const edit = this.edits[i]
      if (tag[i]! !== ((number << 3) | LENGTH) || edit === REMOVED) continue
      parts.push(edit instanceof Uint8Array ? edit : this.bytes.subarray(start[i], end[i]))
    }
    return joinBytes(parts)
  }

  /** Opens a view of a message field at an index. */
  protected openAt(index: number, view: MessageView): void {
    const edit = this.edits[index]
    if (edit instanceof Uint8Array) view.open(edit, 0, edit.length)
    else view.open(this.bytes, this.fields.start[index]!, this.fields.end[index]!)
  }

  /** Takes over what was changed in the view of the message field at an index. */
  protected takeOver(index: number, view: MessageView): void {
    if (view.isDropped) this.edit(index, REMOVED)
    else if (view.isChanged) this.edit(index, view.encode())
  }

  /** Calls `visit` for each message with that field number, and takes over what it changes. */
  protected visitEach<V extends MessageView>(number: number, view: V, visit: (view: V) => void): void {
    this.readFields()
    const { fields } = this
    for (let i = 0; i < fields.count; i++) {
      if (fields.tag[i]! >>> 3 !== number || this.edits[i] === REMOVED) continue
      this.openAt(i, view)
      visit(view)
      this.takeOver(i, view)
    }
  }

  protected countOf(number: number): number {
    this.readFields()
    const { tag, count } = this.fields
    let found = 0
    for (let i = 0; i < count; i++) if (tag[i]! >>> 3 === number && this.edits[i] !== REMOVED) found++
    return found
  }

  /** The message as it is now, without tag and length. @internal */
  encode(): Uint8Array {
    const writer = createWriter(512)
    this.write(writer)
    return finish(writer)
  }

  /** @internal */
  write(writer: Writer): void {
    this.readFields()
    const { fields, edits } = this
    for (let i = fields.count - 1; i >= 0; i--) {
      const edit = edits[i]
      if (edit === REMOVED) continue
      if (edit !== undefined) writeField(writer, this.fieldOf(fields.tag[i]! >>> 3), edit)
      else {
        const end = fields.end[i]!
        while (i > 0 && edits[i - 1] === undefined && fields.end[i - 1] === fields.from[i]) i--
        writeRange(writer, this.bytes, fields.from[i]!, end)
      }
    }
  }

  /** Adds the message, without tag and length; it must be in one piece of the bytes that the pieces are of. @internal */
  addTo(pieces: Pieces): void {
    const { edits } = this
    const { from, end, tag, count } = this.fields
    for (let i = 0; i < count; i++) {
      const edit = edits[i]
      if (edit === undefined) {
        const start = from[i]!
        while (i + 1 < count && edits[i + 1] === undefined) i++
        pieces.source(start, end[i]!)
      } else if (edit !== REMOVED) {
        const before = mark(pieces.writer)
        writeField(pieces.writer, this.fieldOf(tag[i]! >>> 3), edit)
        pieces.written(before)
      }
    }
  }
}
