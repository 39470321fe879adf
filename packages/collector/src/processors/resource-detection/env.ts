/** Attributes of the environment, as the specification of OpenTelemetry's SDKs has them: `key=value,key2=value%2C2`. */
import type { KeyValue } from '@spoor/otlp'
import { CollectorError } from '../../component/index.ts'
import { text } from '../../processor-helper/index.ts'

const VARIABLES = ['OTEL_RESOURCE_ATTRIBUTES', 'OTEL_RESOURCE'] as const

/** Those of the first variable that has any. Throws `config` where that is not in the form. */
export function detectEnv(
  env: Readonly<Record<string, string | undefined>>,
  allowed: readonly string[] | undefined,
): KeyValue[] {
  const variable = VARIABLES.find((name) => env[name]?.trim())
  if (variable === undefined) return []
  const attributes = new Map<string, string>()
  for (const pair of env[variable]!.trim().replace(/,$/, '').split(',')) {
    const at = pair.indexOf('=')
    const key = pair.slice(0, Math.max(0, at)).trim()
    if (key === '') throw wrong(variable, pair)
    try {
      attributes.set(
        key,
        decodeURIComponent(
          pair
            .slice(at + 1)
            .trim()
            .replaceAll('+', ' '),
        ),
      )
    } catch {
      throw wrong(variable, pair)
    }
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
