/** Durations, shares and bandwidths as people write them. */

const DURATION = /^(\d+(?:\.\d+)?)\s*(us|ms|s)$/
const SHARE = /^(\d+(?:\.\d+)?)\s*%$/
const BANDWIDTH = /^(\d+(?:\.\d+)?)\s*(k|M|G)?bit(?:\/s)?$/

const MS = { us: 0.001, ms: 1, s: 1000 }
const BITS = { k: 1e3, M: 1e6, G: 1e9 }

/** `20ms`, `1.5s`, `300us`, as milliseconds. */
export function readDuration(text: string): number | undefined {
  const [, number, unit] = DURATION.exec(text) ?? []
  return number === undefined ? undefined : Number(number) * MS[unit as keyof typeof MS]
}

/** `2%`, as 0..1. */
export function readShare(text: string): number | undefined {
  const [, number] = SHARE.exec(text) ?? []
  const share = Number(number) / 100
  return share <= 1 ? share : undefined
}

/** `20Mbit/s`, as bytes a millisecond; decimal prefixes, above 0. */
export function readBandwidth(text: string): number | undefined {
  const [, number, prefix] = BANDWIDTH.exec(text) ?? []
  const bytes = (Number(number) * (prefix === undefined ? 1 : BITS[prefix as keyof typeof BITS])) / 8 / 1000
  return bytes > 0 ? bytes : undefined
}
