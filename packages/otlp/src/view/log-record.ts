import type { AnyValue } from '../model.ts'
import { messageType } from '../schema.ts'
import { Attributes } from './attributes.ts'
import { MessageView } from './message-view.ts'

/** A log record. */
export class LogRecordView extends MessageView {
  readonly attributes: Attributes

  constructor() {
    super(messageType('LogRecord'))
    this.attributes = new Attributes(this, 6)
  }

  /** Nanoseconds since 1970. */
  get timeUnixNano(): bigint {
    return this.value(1) as bigint
  }
  set timeUnixNano(value: bigint) {
    this.put(1, value)
  }

  /** Nanoseconds since 1970. */
  get observedTimeUnixNano(): bigint {
    return this.value(11) as bigint
  }
  set observedTimeUnixNano(value: bigint) {
    this.put(11, value)
  }

  /** 1-4 trace, 5-8 debug, 9-12 info, 13-16 warn, 17-20 error, 21-24 fatal; 0 unspecified. */
  get severityNumber(): number {
    return this.value(2) as number
  }
  set severityNumber(value: number) {
    this.put(2, value)
  }

  get severityText(): string {
    return this.value(3) as string
  }
  set severityText(value: string) {
    this.put(3, value)
  }

  get body(): AnyValue {
    return this.value(5) as AnyValue
  }
  set body(value: AnyValue) {
    this.put(5, value)
  }

  get droppedAttributesCount(): number {
    return this.value(7) as number
  }
  set droppedAttributesCount(value: number) {
    this.put(7, value)
  }

  get flags(): number {
    return this.value(8) as number
  }
  set flags(value: number) {
    this.put(8, value)
  }

  /** Hex, 32 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get traceId(): string {
    return this.value(9) as string
  }
  set traceId(value: string) {
    this.put(9, value)
  }

  /** Hex, 16 digits; `''` where there is none. Setting another length throws `RangeError` when it is written. */
  get spanId(): string {
    return this.value(10) as string
  }
  set spanId(value: string) {
    this.put(10, value)
  }

  get eventName(): string {
    return this.value(12) as string
  }
  set eventName(value: string) {
    this.put(12, value)
  }
}
