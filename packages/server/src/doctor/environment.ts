/** The environment as the doctor reads it: what is set, where it is from, and what of it nobody may see. */
import { readFileSync } from 'node:fs'
import { withoutPassword } from './diagnosis.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** A setting as it is in force. */
export interface Setting {
  readonly name: string
  /** Masked where it is a secret. */
  readonly value: string
  /** The variable that it is from; `default`. */
  readonly from: string
}

const SECRET = /authorization|cookie|token|key|secret|password|passwd|credential|signature/i

/** The first of the variables that is set, and not empty: the specification takes an empty one as none. */
export function find(
  env: Environment,
  ...names: readonly string[]
): { readonly name: string; readonly value: string } | undefined {
  for (const name of names) {
    const value = env[name]?.trim()
    if (value) return { name, value }
  }
  return undefined
}

/** Enough to know it again, and no more: `Bearer ab…(32 characters)`. */
export function masked(value: string): string {
  const [, scheme = '', secret = ''] = /^((?:basic|bearer|apikey|token)(?:\s|%20)+)?(.*)$/is.exec(value) ?? []
  return `${scheme}${secret.slice(0, secret.length > 12 ? 2 : 0)}…(${secret.length} characters)`
}

/** The value of a variable as it may be shown: of a header that cannot be read, nobody knows what in it is secret. */
export function shownValue(name: string, value: string): string {
  if (/HEADERS?$/.test(name))
    return headerPairs(value)
      .map(([key, text]) => (text === '' ? masked(key) : `${key}=${SECRET.test(key) ? masked(text) : text}`))
      .join(',')
  return SECRET.test(name) ? masked(value) : withoutPassword(value)
}

/** Of `key=value,key=value`, as they stand. A part without `=` has the value ''. */
export function headerPairs(text: string): (readonly [key: string, value: string])[] {
  return text
    .split(',')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=')
      return equals < 0 ? [pair, ''] : [pair.slice(0, equals).trim(), pair.slice(equals + 1).trim()]
    })
}

/** Whether this process is in a container, where 127.0.0.1 is the container's own. */
export function isInContainer(read: (path: string) => string = (path) => readFileSync(path, 'utf8')): boolean {
  const has = (path: string, pattern: RegExp): boolean => {
    try {
      return pattern.test(read(path))
    } catch {
      return false
    }
  }
  return (
    has('/.dockerenv', /^/) || has('/run/.containerenv', /^/) || has('/proc/1/cgroup', /docker|kubepods|containerd|lxc/)
  )
}
