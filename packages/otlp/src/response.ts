/**
 * What a receiver answers: `Export…ServiceResponse`, which has one wire form for all three signals, and
 * `google.rpc.Status` with `google.rpc.RetryInfo`. Both ways, as receiver and exporter need them.
 * Source: the collector services of opentelemetry-proto; google/rpc/status.proto and error_details.proto.
 */
import type { Signal } from './batch.ts'
import { utf8 } from './text.ts'
import { lengthEnd, next, readTag, readUint32, readUint64, skipField } from './wire.ts'
import { closeMessage, createWriter, finish, mark, writeString, writeVarint, writeVarint64 } from './writer.ts'

export interface ExportResponse {
  /** Spans, data points or log records that were not accepted. */
  readonly rejected: number
  /** Why they were not, or a warning when `rejected` is 0; `''` when all went well. */
  readonly message: string
}

export interface Status {
  /** A gRPC status code. */
  readonly code: number
  readonly message: string
  /** From a `RetryInfo` detail; absent when there is none. */
  readonly retryAfterMs?: number
}

/** An `Export…ServiceResponse`: no bytes at all when everything was accepted, as the specification says. */
export function encodeExportResponse(response: Partial<ExportResponse> = {}): Uint8Array {
  const { rejected = 0, message = '' } = response
  const writer = createWriter(64)
  if (rejected === 0 && message === '') return new Uint8Array(0)
  const from = mark(writer)
  if (message !== '') writeString(writer, 0x12, message)
  if (rejected !== 0) {
    writeVarint(writer, rejected)
    writeVarint(writer, 0x08)
  }
  closeMessage(writer, 0x0a, from)
  return finish(writer)
}

export function decodeExportResponse(bytes: Uint8Array): ExportResponse {
  const response = { rejected: 0, message: '' }
  const end = bytes.length
  let p = 0
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, end)
      mergePartialSuccess(bytes, next, stop, response)
      p = stop
    } else p = skipField(bytes, p, end, tag, 0b10)
  }
  return response
}

function mergePartialSuccess(
  bytes: Uint8Array,
  p: number,
  end: number,
  response: { rejected: number; message: string },
): void {
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x08) {
      response.rejected = Number(BigInt.asIntN(64, readUint64(bytes, p, end)))
      p = next
    } else if (tag === 0x12) {
      p = lengthEnd(bytes, p, end)
      response.message = utf8(bytes, next, p)
    } else p = skipField(bytes, p, end, tag, 0b110)
  }
}

const REJECTED_NAMES: Readonly<Record<Signal, string>> = {
  traces: 'rejectedSpans',
  metrics: 'rejectedDataPoints',
  logs: 'rejectedLogRecords',
}

/** The OTLP/JSON form of {@link encodeExportResponse}. */
export function exportResponseToJson(signal: Signal, response: Partial<ExportResponse> = {}): string {
  const { rejected = 0, message = '' } = response
  if (rejected === 0 && message === '') return '{"partialSuccess":{}}'
  return JSON.stringify({ partialSuccess: { [REJECTED_NAMES[signal]]: String(rejected), errorMessage: message } })
}

const RETRY_INFO = 'type.googleapis.com/google.rpc.RetryInfo'

/** A `google.rpc.Status`, with a `RetryInfo` detail when `retryAfterMs` is given. */
export function encodeStatus(status: Status): Uint8Array {
  const writer = createWriter(256)
  if (status.retryAfterMs !== undefined) {
    const { seconds, nanos } = duration(status.retryAfterMs)
    const detail = mark(writer)
    const info = mark(writer)
    const delay = mark(writer)
    if (nanos !== 0) {
      writeVarint(writer, nanos)
      writeVarint(writer, 0x10)
    }
    if (seconds !== 0) {
      writeVarint(writer, seconds)
      writeVarint(writer, 0x08)
    }
    closeMessage(writer, 0x0a, delay)
    closeMessage(writer, 0x12, info)
    writeString(writer, 0x0a, RETRY_INFO)
    closeMessage(writer, 0x1a, detail)
  }
  if (status.message !== '') writeString(writer, 0x12, status.message)
  if (status.code !== 0) {
    writeVarint64(writer, BigInt(status.code))
    writeVarint(writer, 0x08)
  }
  return finish(writer)
}

function duration(ms: number): { seconds: number; nanos: number } {
  const whole = Math.max(0, Math.round(ms * 1e6))
  return { seconds: Math.floor(whole / 1e9), nanos: whole % 1e9 }
}

export function decodeStatus(bytes: Uint8Array): Status {
  const status: { code: number; message: string; retryAfterMs?: number } = { code: 0, message: '' }
  const end = bytes.length
  let p = 0
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x08) {
      status.code = readUint32(bytes, p, end) | 0
      p = next
    } else if (tag === 0x12) {
      p = lengthEnd(bytes, p, end)
      status.message = utf8(bytes, next, p)
    } else if (tag === 0x1a) {
      const stop = lengthEnd(bytes, p, end)
      const retryAfterMs = decodeRetryInfo(bytes, next, stop)
      if (retryAfterMs !== undefined) status.retryAfterMs = retryAfterMs
      p = stop
    } else p = skipField(bytes, p, end, tag, 0b1110)
  }
  return status
}

/** The delay of a `google.protobuf.Any` that holds a `RetryInfo`, in milliseconds. */
function decodeRetryInfo(bytes: Uint8Array, p: number, end: number): number | undefined {
  let type = ''
  let valueStart = 0
  let valueEnd = 0
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x0a) {
      p = lengthEnd(bytes, p, end)
      type = utf8(bytes, next, p)
    } else if (tag === 0x12) {
      p = lengthEnd(bytes, p, end)
      valueStart = next
      valueEnd = p
    } else p = skipField(bytes, p, end, tag, 0b110)
  }
  if (!type.endsWith('/google.rpc.RetryInfo')) return undefined
  let ms = 0
  p = valueStart
  while (p < valueEnd) {
    const tag = readTag(bytes, p, valueEnd)
    p = next
    if (tag === 0x0a) {
      const stop = lengthEnd(bytes, p, valueEnd)
      ms = decodeDuration(bytes, next, stop)
      p = stop
    } else p = skipField(bytes, p, valueEnd, tag, 0b10)
  }
  return ms
}

function decodeDuration(bytes: Uint8Array, p: number, end: number): number {
  let seconds = 0
  let nanos = 0
  while (p < end) {
    const tag = readTag(bytes, p, end)
    p = next
    if (tag === 0x08) {
      seconds = Number(BigInt.asIntN(64, readUint64(bytes, p, end)))
      p = next
    } else if (tag === 0x10) {
      nanos = readUint32(bytes, p, end) | 0
      p = next
    } else p = skipField(bytes, p, end, tag, 0b110)
  }
  return seconds * 1000 + nanos / 1e6
}

/** The JSON form of {@link encodeStatus}. */
export function statusToJson(status: Status): string {
  const { code, message, retryAfterMs } = status
  if (retryAfterMs === undefined) return JSON.stringify({ code, message })
  return JSON.stringify({ code, message, details: [{ '@type': RETRY_INFO, retryDelay: `${retryAfterMs / 1000}s` }] })
}
