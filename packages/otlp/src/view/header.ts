/** What is around the items: resource and scope, with the address of the schema that each has beside it. */
import { messageType, type MessageType } from '../schema.ts'
import { utf8 } from '../text.ts'
import { lengthEnd, next, readTag, skipField } from '../wire.ts'
import { Attributes } from './attributes.ts'
import { MessageView } from './message-view.ts'

/** The first field of a `ResourceSpans` or `ScopeSpans`, and of those of the other signals. @internal */
export const HEADER_TAG = 0x0a
/** @internal */
export const SCHEMA_URL_TAG = 0x1a

/** A resource or a scope. Where it is in the message that holds it is looked for when something of it is asked for. */
export abstract class HeaderView extends MessageView {
  /** Undefined where it is as it came. @internal */
  newSchemaUrl: string | undefined
  /** Undefined until it was looked for, which takes a step over each item. */
  #schemaUrl: string | undefined

  /** That of the `ResourceSpans` or `ScopeSpans` (or of another signal) in `[start, end)`. @internal */
  override open(bytes: Uint8Array, start: number, end: number): void {
    super.open(bytes, start, end)
    this.newSchemaUrl = this.#schemaUrl = undefined
  }

  /** It is a field of what was opened, or several. */
  protected override get isWhole(): boolean {
    return false
  }

  protected override readPieces(): void {
    this.#find(HEADER_TAG, (start, end) => this.fields.read(this.bytes, start, end))
  }

  get schemaUrl(): string {
    if (this.newSchemaUrl !== undefined) return this.newSchemaUrl
    if (this.#schemaUrl === undefined) {
      this.#schemaUrl = ''
      this.#find(SCHEMA_URL_TAG, (start, end) => (this.#schemaUrl = utf8(this.bytes, start, end)))
    }
    return this.#schemaUrl
  }
  set schemaUrl(url: string) {
    if (url !== this.schemaUrl) this.newSchemaUrl = url
  }

  #find(wanted: number, found: (start: number, end: number) => void): void {
    const { bytes, end } = this
    let p = this.start
    while (p < end) {
      const tag = readTag(bytes, p, end)
      const isWanted = tag === wanted
      p = isWanted ? lengthEnd(bytes, next, end) : skipField(bytes, next, end, tag, 0)
      if (isWanted) found(next, p)
    }
  }
}

export class ResourceView extends HeaderView {
  readonly attributes: Attributes

  constructor(type: MessageType = messageType('Resource')) {
    super(type)
    this.attributes = new Attributes(this, 1)
  }

  get droppedAttributesCount(): number {
    return this.value(2) as number
  }
  set droppedAttributesCount(count: number) {
    this.put(2, count)
  }
}

export class ScopeView extends HeaderView {
  readonly attributes: Attributes

  constructor(type: MessageType = messageType('InstrumentationScope')) {
    super(type)
    this.attributes = new Attributes(this, 3)
  }

  get name(): string {
    return this.value(1) as string
  }
  set name(name: string) {
    this.put(1, name)
  }

  get version(): string {
    return this.value(2) as string
  }
  set version(version: string) {
    this.put(2, version)
  }

  get droppedAttributesCount(): number {
    return this.value(4) as number
  }
  set droppedAttributesCount(count: number) {
    this.put(4, count)
  }
}
