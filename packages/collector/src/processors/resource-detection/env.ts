/** Attributes of the environment, as the specification of OpenTelemetry's SDKs has them: `key=value,key2=value%2C2`. */
import type { KeyValue } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import { text } from '../../processor-helper/index.ts'

const VARIABLES = ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_RESOURCE'] as const

/** One of them with the comma behind it, as the Collector reads it: of at most 256 characters of ASCII each; a comma that no value is before is part of the key. */
const PAIR = /\s*([\0-\x7f]{1,256}?)\s*=\s*([\0-\x7f]{0,256}?)\s*(?:,|$)/y

/** Those of the first variable that has any. Throws `config` where that is not in the form. */
export function detectEnv(
  env: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[] | undefined,
): KeyValue[] {
  const variable = VARIABLES.find((name) => env[name]?.trim())
  if (variable === undefined) return []
  const attributes = new Map<string, string>()
  const pairs = env[variable]!.trim()
  for (let at = 0; at < pairs.length;) {
    PAIR.lastIndex = at
    const [pair, key, value] = PAIR.exec(pairs) ?? []
    if (pair === undefined) throw wrong(variable, pairs.slice(at))
    try {
      attributes.set(key!, decodeURIComponent(value!.replaceAll('+', ' ')))
    } catch {
      throw wrong(variable, pair)
    }
    at += pair.length
  }
  return Array.from(attributes, ([key, value]) => ({ key, value: text(value) })).filter(
    ({ key }) => allowed?.includes(key) ?? true,
  )
}

function wrong(variable: string, pair: string): CollectorError {
  return new CollectorError(
    'config',
    `${variable}: ${JSON.stringify(pair)}: not key=value; write a=1,b=2, with %2C for a comma`,
  )
}
