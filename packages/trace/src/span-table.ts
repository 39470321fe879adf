/**
 * The spans of one trace as flat columns, in the order in which they came: what the definition of a trace is computed over, see {@link ./shape.ts}.
 * One table can be filled for one trace after the other; it keeps its memory.
 */
export class SpanTable {
  count = 0
  capacity: number
  /** Two words each, as they stand on the wire; 0 0: none. */
  spanId = new Uint32Array()
  parentId = new Uint32Array()
  /** Start in nanoseconds since 1970, in two halves. */
  startHi = new Uint32Array()
  startLo = new Uint32Array()
  /** End - start, nanoseconds; negative where a clock was set back. */
  durationNs = new Float64Array()
  /** As on the wire. */
  kind = new Uint8Array()
  status = new Uint8Array()
  /** Indexes into {@link services} and {@link names}: two spans have the same one when they have the same text. */
  service = new Uint32Array()
  name = new Uint32Array()
  services: readonly string[] = []
  names: readonly string[] = []

  /** What {@link ./shape.ts} works in. */
  readonly scratch = {
    order: new Uint32Array(),
    positionOf: new Uint32Array(),
    spare: new Uint32Array(),
    startNs: new Float64Array(),
    parent: new Int32Array(),
    flags: new Uint16Array(),
    selfNs: new Float64Array(),
    coveredNs: new Float64Array(),
    /** At least twice as many as there can be spans; a power of two. */
    slots: new Int32Array(),
    nextSame: new Int32Array(),
  }

  /** `capacity`: spans that there is room for from the start. */
  constructor(capacity = 256) {
    this.capacity = 0
    this.grow(capacity)
  }

  clear(): void {
    this.count = 0
  }

  /** Makes room for `capacity` spans. They take {@link SPAN_BYTES} each. */
  grow(capacity: number): void {
    const { count } = this
    this.spanId = widened(this.spanId, 2 * capacity, 2 * count)
    this.parentId = widened(this.parentId, 2 * capacity, 2 * count)
    this.startHi = widened(this.startHi, capacity, count)
    this.startLo = widened(this.startLo, capacity, count)
    this.durationNs = widened(this.durationNs, capacity, count)
    this.kind = widened(this.kind, capacity, count)
    this.status = widened(this.status, capacity, count)
    this.service = widened(this.service, capacity, count)
    this.name = widened(this.name, capacity, count)
    Object.assign(this.scratch, {
      order: new Uint32Array(capacity),
      positionOf: new Uint32Array(capacity),
      spare: new Uint32Array(capacity),
      startNs: new Float64Array(capacity),
      parent: new Int32Array(capacity),
      flags: new Uint16Array(capacity),
      selfNs: new Float64Array(capacity),
      coveredNs: new Float64Array(capacity),
      slots: new Int32Array(2 ** Math.ceil(Math.log2(2 * capacity))),
      nextSame: new Int32Array(capacity),
    })
    this.capacity = capacity
  }
}

/** Bytes of a span in all columns and in what is worked in. */
export const SPAN_BYTES = 100

/** `kept`: values that it has. */
function widened<T extends Uint8Array | Uint32Array | Float64Array>(column: T, length: number, kept: number): T {
  const wider = new (column.constructor as new (length: number) => T)(length)
  wider.set(column.subarray(0, kept))
  return wider
}
