import { messageType } from '../schema.ts'
import { Attributes } from './attributes.ts'
import { MessageView } from './message-view.ts'

/** An event of a span. */
export class EventView extends MessageView {
  readonly attributes: Attributes

  constructor() {
    super(messageType('Event'))
    this.attributes = new Attributes(this, 3)
  }

  /** Nanoseconds since 1970. */
  get timeUnixNano(): bigint {
    return this.value(1) as bigint
  }
  set timeUnixNano(value: bigint) {
    this.put(1, value)
  }

  get name(): string {
    return this.value(2) as string
  }
  set name(value: string) {
    this.put(2, value)
  }

  get droppedAttributesCount(): number {
    return this.value(4) as number
  }
  set droppedAttributesCount(value: number) {
    this.put(4, value)
  }
}

/** A link of a span. */
export class LinkView extends MessageView {
  readonly attributes: Attributes

  constructor() {
    super(messageType('Link'))
    this.attributes = new Attributes(this, 4)
  }

  /** Hex, 32 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get traceId(): string {
    return this.value(1) as string
  }
  set traceId(value: string) {
    this.put(1, value)
  }

  /** Hex, 16 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get spanId(): string {
    return this.value(2) as string
  }
  set spanId(value: string) {
    this.put(2, value)
  }

  get traceState(): string {
    return this.value(3) as string
  }
  set traceState(value: string) {
    this.put(3, value)
  }

  get droppedAttributesCount(): number {
    return this.value(5) as number
  }
  set droppedAttributesCount(value: number) {
    this.put(5, value)
  }

  get flags(): number {
    return this.value(6) as number
  }
  set flags(value: number) {
    this.put(6, value)
  }
}

class StatusView extends MessageView {
  constructor() {
    super(messageType('Status'))
  }

  get code(): number {
    return this.value(3) as number
  }
  set code(code: number) {
    this.put(3, code)
  }

  get message(): string {
    return this.value(2) as string
  }
  set message(message: string) {
    this.put(2, message)
  }
}

const STATUS = 15
const EVENTS = 11
const LINKS = 13

/** A span. */
export class SpanView extends MessageView {
  readonly attributes: Attributes
  readonly #event = new EventView()
  readonly #link = new LinkView()
  readonly #statusView = new StatusView()

  constructor() {
    super(messageType('Span'))
    this.attributes = new Attributes(this, 9)
  }

  /** Hex, 32 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get traceId(): string {
    return this.value(1) as string
  }
  set traceId(value: string) {
    this.put(1, value)
  }

  /** Hex, 16 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get spanId(): string {
    return this.value(2) as string
  }
  set spanId(value: string) {
    this.put(2, value)
  }

  get traceState(): string {
    return this.value(3) as string
  }
  set traceState(value: string) {
    this.put(3, value)
  }

  /** Hex, 16 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get parentSpanId(): string {
    return this.value(4) as string
  }
  set parentSpanId(value: string) {
    this.put(4, value)
  }

  get flags(): number {
    return this.value(16) as number
  }
  set flags(value: number) {
    this.put(16, value)
  }

  get name(): string {
    return this.value(5) as string
  }
  set name(value: string) {
    this.put(5, value)
  }

  /** 0 unspecified, 1 internal, 2 server, 3 client, 4 producer, 5 consumer. */
  get kind(): number {
    return this.value(6) as number
  }
  set kind(value: number) {
    this.put(6, value)
  }

  /** Nanoseconds since 1970. */
  get startTimeUnixNano(): bigint {
    return this.value(7) as bigint
  }
  set startTimeUnixNano(value: bigint) {
    this.put(7, value)
  }

  /** Nanoseconds since 1970. */
  get endTimeUnixNano(): bigint {
    return this.value(8) as bigint
  }
  set endTimeUnixNano(value: bigint) {
    this.put(8, value)
  }

  get droppedAttributesCount(): number {
    return this.value(10) as number
  }
  set droppedAttributesCount(value: number) {
    this.put(10, value)
  }

  get droppedEventsCount(): number {
    return this.value(12) as number
  }
  set droppedEventsCount(value: number) {
    this.put(12, value)
  }

  get droppedLinksCount(): number {
    return this.value(14) as number
  }
  set droppedLinksCount(value: number) {
    this.put(14, value)
  }

  /** 0 unset, 1 ok, 2 error. */
  get statusCode(): number {
    return this.#status().code
  }
  set statusCode(code: number) {
    this.#changeStatus((status) => (status.code = code))
  }

  get statusMessage(): string {
    return this.#status().message
  }
  set statusMessage(message: string) {
    this.#changeStatus((status) => (status.message = message))
  }

  get eventCount(): number {
    return this.countOf(EVENTS)
  }

  get linkCount(): number {
    return this.countOf(LINKS)
  }

  /** Each event in turn, to be read, changed or dropped; the view is the same for all. */
  forEachEvent(visit: (event: EventView) => void): void {
    this.visitEach(EVENTS, this.#event, visit)
  }

  /** Each link in turn, to be read, changed or dropped; the view is the same for all. */
  forEachLink(visit: (link: LinkView) => void): void {
    this.visitEach(LINKS, this.#link, visit)
  }

  /** @internal */
  override release(): void {
    for (const view of [this.#event, this.#link, this.#statusView]) view.release()
    super.release()
  }

  #status(): StatusView {
    const content = this.content(STATUS)
    this.#statusView.open(content, 0, content.length)
    return this.#statusView
  }

  #changeStatus(change: (status: StatusView) => void): void {
    const status = this.#status()
    change(status)
    if (status.isChanged) this.put(STATUS, status.encode())
  }
}
