/** What a line of OTLP/JSON has, without reading all of it. */
import type { Signal } from '@spoor/otlp'

const FIRST_KEY = /^\s*\{\s*"resource_?(spans|metrics|logs)"/i
const SIGNALS: Readonly<Record<string, Signal>> = { spans: 'traces', metrics: 'metrics', logs: 'logs' }
/** Bytes of a line that are looked at first. */
const HEAD_BYTES = 100

/** Undefined where it is of no signal, or no JSON object. A line of several signals is of the first that it names. */
export function signalOf(line: Uint8Array): Signal | 'blank' | undefined {
  const head = Buffer.from(line.buffer, line.byteOffset, Math.min(HEAD_BYTES, line.length)).toString('latin1')
  const first = FIRST_KEY.exec(head)?.[1]
  if (first !== undefined) return SIGNALS[first.toLowerCase()]
  const text = new TextDecoder().decode(line)
  if (text.trim() === '') return 'blank'
  try {
    const keys = Object.keys(JSON.parse(text) as object).map(
      (key) => /^resource_?(spans|metrics|logs)$/i.exec(key)?.[1],
    )
    return SIGNALS[keys.find((key) => key !== undefined)?.toLowerCase() ?? '']
  } catch {
    return undefined
  }
}
