/** The requests that a configuration is tried with: OTLP/JSON of any signal, a request, a list of them, or one on each line. */
import { readFileSync } from 'node:fs'
import { countItems, logsFromJson, metricsFromJson, OtlpError, type Signal, tracesFromJson } from '@spoor/otlp'
import { SpoorError } from '../error.ts'

export interface TrialRequest {
  readonly signal: Signal
  readonly bytes: Uint8Array
  readonly items: number
}

const KEYS: Readonly<Record<string, Signal>> = {
  resourceSpans: 'traces',
  resource_spans: 'traces',
  resourceMetrics: 'metrics',
  resource_metrics: 'metrics',
  resourceLogs: 'logs',
  resource_logs: 'logs',
}
const FROM_JSON = { traces: tracesFromJson, metrics: metricsFromJson, logs: logsFromJson }

/** Throws SpoorError `file` with the place of what is wrong. */
export function readRequests(files: readonly string[]): TrialRequest[] {
  return files.flatMap((file) => {
    let text
    try {
      text = readFileSync(file === '-' ? 0 : file, 'utf8')
    } catch (error) {
      throw new SpoorError('file', `${file} cannot be read: ${(error as Error).message}`, { cause: error })
    }
    const requests = piecesOf(text.replace(/^\uFEFF/, '')).map(({ json, line }) => requestOf(json, `${file}:${line}`))
    if (requests.length === 0)
      throw new SpoorError('file', `${file} is empty; it should have OTLP/JSON, as {"resourceSpans": [...]}`)
    return requests
  })
}

interface Piece {
  readonly json: string
  readonly line: number
}

/** The texts of the requests: numbers of 64 bits do not survive a value of JavaScript. */
function piecesOf(text: string): Piece[] {
  const lines = text.split('\n').map((json, index) => ({ json: json.trim(), line: index + 1 }))
  const filled = lines.filter(({ json }) => json !== '')
  if (filled.length > 0 && filled.every(({ json }) => json.startsWith('{') && isJson(json))) return filled
  const whole = text.trim()
  if (!whole.startsWith('[')) return whole === '' ? [] : [{ json: whole, line: 1 }]
  const list: unknown = isJson(whole) ? JSON.parse(whole) : undefined
  return Array.isArray(list)
    ? list.map((item) => ({ json: JSON.stringify(item), line: 1 }))
    : [{ json: whole, line: 1 }]
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

function requestOf(json: string, place: string): TrialRequest {
  const key = /^\{\s*"([^"]+)"\s*:/.exec(json)?.[1]
  const signal = key === undefined ? undefined : KEYS[key]
  if (!signal) {
    const wanted = 'OTLP/JSON begins with "resourceSpans", "resourceMetrics" or "resourceLogs"'
    throw new SpoorError(
      'file',
      `${place}: no request: ${wanted}${key === undefined ? '' : `, and this with "${key}"`}`,
    )
  }
  try {
    const bytes = FROM_JSON[signal](json)
    return { signal, bytes, items: countItems(signal, bytes) }
  } catch (error) {
    if (!(error instanceof OtlpError)) throw error
    throw new SpoorError('file', `${place}: ${error.message}`, { cause: error })
  }
}
