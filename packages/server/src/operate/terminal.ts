import type { Writable } from 'node:stream'
import { styleText } from 'node:util'

export type Tone = 'green' | 'yellow' | 'red' | 'gray' | 'bold'

/** Text for a terminal or a file. */
export interface Terminal {
  /** Coloured where a person reads it. */
  tone(tone: Tone, text: string): string
  /** Of a line; undefined where there is no bound. */
  readonly columns: number | undefined
}

export function terminalOf(stream: Writable & { readonly columns?: number; readonly isTTY?: boolean }): Terminal {
  return {
    tone: (tone, text) => styleText(tone, text, { stream }),
    get columns() {
      return stream.isTTY ? stream.columns : undefined
    },
  }
}

/** What a sender has chosen, without what would steer a terminal, and cut. */
export function plain(text: string, maxChars = 60): string {
  const visible = text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, '·')
  return visible.length > maxChars ? `${visible.slice(0, maxChars - 1)}…` : visible
}

/** `3 s`, `12 min`, `5 h`, `3 days`. */
export function age(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  return seconds < 172_800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86_400)} days`
}

/** `12,345`; `''` for what is not counted. */
export function figure(value: number | undefined, digits = 0): string {
  return value?.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits }) ?? ''
}
