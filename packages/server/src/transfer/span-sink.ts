/** Where an export's spans go. */
export interface SpanSink {
  /** Takes serialized `TracesData`; the next may come when it resolves. */
  add(bytes: Uint8Array, spans: number): Promise<void>
  /** All have come. */
  finish(): Promise<void>
}
