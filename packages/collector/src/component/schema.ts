/**
 * Building blocks for the config schemas of components: sections with the collector's null semantics and helpful
 * unknown-key errors, durations, endpoints. A schema is type, defaults, validation and documentation at once.
 */
import { readFileSync } from 'node:fs'
import { parseGoDuration } from '@spoor/otlp'
import { z } from 'zod'
import { formerKey } from './former-keys.ts'
import { didYouMean } from './suggest.ts'

/**
 * A mapping with known keys. As in the OpenTelemetry Collector, `key:` without a value leaves the default, and a
 * section without a value (`batch:`) is a section with all defaults. An unknown key is an error that names the nearest
 * known one. `switches` are the optional sections that are off when absent and on when written without a value
 * (`grpc:`), and that take `enabled: false`.
 */
export function section<S extends z.ZodRawShape>(shape: S, switches: readonly (keyof S & string)[] = []) {
  const known = Object.keys(shape)
  const strict = z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `unknown key${hintFor(key, known)}; known: ${known.join(', ') || 'none'}`).join('\n')
        : undefined,
  })
  return z.preprocess((input) => withoutNulls(input, known, switches), strict)
}

function hintFor(key: string, known: readonly string[]): string {
  return formerKey(key, known) ?? didYouMean(key, known)
}

function withoutNulls(input: unknown, known: readonly string[], switches: readonly string[]): unknown {
  if (input === null || input === undefined) return {}
  if (typeof input !== 'object' || Array.isArray(input)) return input
  const output: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(input)) {
    if (!switches.includes(key)) {
      if (value !== null || !known.includes(key)) output[key] = value
      continue
    }
    if (value !== null && typeof value === 'object' && 'enabled' in value) {
      const { enabled, ...rest } = value as Record<string, unknown>
      if (enabled === true) output[key] = rest
      // A wrong type stays, for the section's own error about it.
      else if (enabled !== false) output[key] = value
    } else {
      output[key] = value ?? {}
    }
  }
  return output
}

/** Longer ones are none; the time to read one may grow faster than its length. */
const MAX_DURATION_CHARS = 100

/** A Go duration (`200ms`, `1m30s`) as milliseconds. A bare integer is nanoseconds, as in the collector. 0 or more. */
export const durationMs = z.unknown().transform((input, context): number => {
  if (typeof input === 'number' && Number.isInteger(input) && input >= 0) return input / 1e6
  if (typeof input === 'string' && input.length <= MAX_DURATION_CHARS) {
    try {
      const milliseconds = parseGoDuration(input) / 1e6
      if (milliseconds >= 0) return milliseconds
    } catch {
      // Falls through to the one message below.
    }
  }
  context.addIssue({
    code: 'custom',
    message: `${JSON.stringify(input)?.slice(0, MAX_DURATION_CHARS)}: not a duration; write it like 200ms, 5s or 1m30s`,
  })
  return z.NEVER
})

/** A text in lower case; anything else as it is. */
export const lowerCase = (input: unknown): unknown => (typeof input === 'string' ? input.toLowerCase() : input)

/** One of these words, whose case does not count. `what`: as the error names one. */
export function wordKey<const W extends readonly string[]>(what: string, words: W) {
  const known = words.join(', ')
  return z.preprocess(
    lowerCase,
    z.enum(words, {
      error: ({ input }) =>
        input === undefined
          ? `expected one of ${known}`
          : `unknown ${what}${didYouMean(typeof input === 'string' ? input : '', words)}; known: ${known}`,
    }),
  )
}

const split = (input: unknown): unknown =>
  typeof input === 'string' ? input.split(',').map((part) => part.trim()) : input

/** Go accepts one string with commas for a list of strings. */
export const stringList = z.preprocess(split, z.array(z.string()))

/** Names of headers, whose case does not count; in lower case, as {@link Metadata} has them. Each once. */
export const metadataKeys = z.preprocess(
  split,
  z.array(z.string().toLowerCase()).superRefine((keys, context) => {
    keys.forEach((key, index) => {
      if (keys.indexOf(key) === index) return
      const message = `duplicate entry in metadata_keys: ${JSON.stringify(key)} (case-insensitive); remove one`
      context.addIssue({ code: 'custom', message, path: [index] })
    })
  }),
)

/** Hooks that extensions put into a server or a client; there is no such extension, and only an empty list is taken. */
export const middlewares = z
  .array(z.never({ error: 'there are no middleware extensions, so nothing would be done; remove it' }))
  .default([])

const namedText = z.record(
  z.string(),
  z.preprocess((input) => input ?? '', z.string()),
)

/** Text by name, as a mapping or as a list of `{name, value}`. A name without a value has the empty text. */
export const headers = z.preprocess((input) => {
  const isNamed = (item: unknown): item is { name: string; value?: unknown } =>
    typeof (item as { name?: unknown } | null)?.name === 'string'
  if (!Array.isArray(input) || !input.every(isNamed)) return input
  return Object.fromEntries(input.map(({ name, value }) => [name, value]))
}, namedText)

/** 0 or a positive whole number. */
export const count = z.int().min(0)

export interface HostPort {
  readonly host: string
  readonly port: number
}

/** `host:port`, `[::1]:port` or `:port` (all interfaces). Throws an Error that says what is wrong with the text. */
export function parseHostPort(text: string): HostPort {
  const match = /^(?:\[([^\]]+)\]|([^:]*)):(\d*)$/.exec(text)
  if (!match) throw new Error(`${JSON.stringify(text)}: not an endpoint; write host:port, like localhost:4317`)
  const port = Number(match[3])
  if (port > 65535) throw new Error(`${JSON.stringify(text)}: port out of range (1-65535)`)
  return { host: match[1] ?? match[2] ?? '', port }
}

/** The text that {@link parseHostPort} reads, of a name or an address of either version. */
export function formatHostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Where a server listens: `host:port`. Port 0, or none behind the colon, takes a free one. */
export const listenEndpoint = z.string().superRefine((text, context) => {
  try {
    parseHostPort(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

/**
 * Where a peer is, with its scheme if one was written: `host:port`, `dns:///host:port`, `http://host:port/path`,
 * `https://…`.
 */
export interface PeerEndpoint extends HostPort {
  readonly scheme: 'http' | 'https' | undefined
  /** Without a slash at its end; '' for none. */
  readonly path: string
}

/** More than any URL has; the time to read one grows faster than its length. */
const MAX_ENDPOINT_CHARS = 4096

/** Throws an Error that says what is wrong with the text. */
export function parsePeer(text: string): PeerEndpoint {
  if (text.length > MAX_ENDPOINT_CHARS) throw new Error(`too long: at most ${MAX_ENDPOINT_CHARS} characters`)
  if (text === '') throw new Error('requires a non-empty endpoint; write host:port, like jaeger:4317')
  const target = text.replace(/^dns:\/\/\//, '')
  const url = /^(https?):\/\/([^/]+)(\/[^#]*)?$/.exec(target)
  if (!url && /^[a-z][a-z0-9+.-]*:\/\//i.test(target)) {
    throw new Error(`${JSON.stringify(text)}: not a usable URL; write host:port, http://host:port or https://host:port`)
  }
  const scheme = url?.[1] as 'http' | 'https' | undefined
  const authority = url?.[2] ?? target
  const withPort =
    scheme !== undefined && !/:\d+$/.test(authority) ? `${authority}:${scheme === 'https' ? 443 : 80}` : authority
  const { host, port } = parseHostPort(withPort)
  if (host === '') throw new Error(`${JSON.stringify(text)}: no host; write host:port, like jaeger:4317`)
  if (port === 0) throw new Error(`${JSON.stringify(text)}: port out of range (1-65535)`)
  return { scheme, host, port, path: (url?.[3] ?? '').replace(/\/+$/, '') }
}

export const peerEndpoint = z.string().superRefine((text, context) => {
  try {
    parsePeer(text)
  } catch (error) {
    context.addIssue({ code: 'custom', message: (error as Error).message })
  }
})

/** The content of a file that a config key names (certificates and the like); read when the component starts. */
export function readConfigFile(key: string, file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new Error(`${key}: cannot read ${file}: ${(error as Error).message}`, { cause: error })
  }
}
