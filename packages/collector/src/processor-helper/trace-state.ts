/**
 * What the trace state of a span says about sampling, and the same with something else in it: `ot=rv:…;th:…`, before the members of others.
 * Sources: W3C Trace Context, "tracestate Header"; OpenTelemetry specification, "TraceState Handling".
 */
import { randomnessFrom, thresholdFrom } from './threshold.ts'

const MAX_CHARS = 1024
const MAX_MEMBERS = 32
const MAX_KEY = 256
const MAX_TENANT = 241
const MAX_SYSTEM = 14
const MAX_OT_CHARS = 256

const KEY = /^(?:[a-z][a-z0-9_\-*/]*|[a-z0-9][a-z0-9_\-*/]*@[a-z][a-z0-9_\-*/]*)$/
const VALUE = /^[\x20-\x2b\x2d-\x3c\x3e-\x7e]{0,255}[\x21-\x2b\x2d-\x3c\x3e-\x7e]$/
const OT = /^[a-z][a-z0-9]*:[a-zA-Z0-9._-]*(?:;[a-z][a-z0-9]*:[a-zA-Z0-9._-]*)*$/

export class TraceState {
  /** 14 hex digits. */
  randomness: string | undefined
  /** As it is compared, and as it was written. */
  threshold: string | undefined
  thresholdText = ''
  /** What else is in our member, and the members of others. */
  #others: string[] = []
  #members: string[] = []

  /** Says whether all of it could be read; of what could not, some may be there all the same. */
  read(text: string): boolean {
    this.#clear()
    this.#members = []
    if (text === '') return true
    const members = text.split(',').map((member) => member.replaceAll(/^[ \t]+|[ \t]+$/g, ''))
    if (members.at(-1) === '') members.pop()
    if (text.length > MAX_CHARS || !members.every(isMember)) return false
    let isWhole = true
    for (const [i, member] of members.entries()) {
      if (i + 1 >= MAX_MEMBERS) return false
      const [key, value] = cut(member, '=')
      if (member === '') continue
      if (isTooLong(key)) isWhole = false
      else if (key !== 'ot') this.#members.push(member)
      else if (!this.#readOt(value)) isWhole = false
    }
    return isWhole
  }

  text(): string {
    const ot = [...this.#others]
    if (this.thresholdText !== '') ot.unshift(`th:${this.thresholdText}`)
    if (this.randomness !== undefined) ot.unshift(`rv:${this.randomness}`)
    return [...(ot.length > 0 ? [`ot=${ot.join(';')}`] : []), ...this.#members].join(',')
  }

  #clear(): void {
    this.randomness = this.threshold = undefined
    this.thresholdText = ''
    this.#others = []
  }

  #readOt(text: string): boolean {
    this.#clear()
    if (text.length > MAX_OT_CHARS || !OT.test(text)) return false
    let isWhole = true
    for (const member of text.split(';')) {
      const [key, value] = cut(member, ':')
      if (key === 'rv') {
        this.randomness = randomnessFrom(value) && value
        isWhole &&= this.randomness !== undefined
      } else if (key === 'th') {
        this.threshold = thresholdFrom(value)
        this.thresholdText = this.threshold === undefined ? '' : value
        isWhole &&= this.threshold !== undefined
      } else this.#others.push(member)
    }
    return isWhole
  }
}

function isMember(member: string): boolean {
  if (member === '') return true
  const [key, value] = cut(member, '=')
  return KEY.test(key) && VALUE.test(value)
}

function isTooLong(key: string): boolean {
  const [tenant, system] = cut(key, '@')
  return key.length > MAX_KEY || (key.includes('@') && (tenant.length > MAX_TENANT || system.length > MAX_SYSTEM))
}

/** Before and behind the first of it. */
function cut(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator)
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + 1)]
}
