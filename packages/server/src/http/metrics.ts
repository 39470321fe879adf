import type { Counters } from '@spoor/collector'
import { METRICS } from './metric-catalogue.ts'

/**
 * Prometheus text of the counters, version 0.0.4. One `# HELP` and `# TYPE` line a name, the series of a name together,
 * as the format asks for.
 */
export function prometheusText(counters: Counters): string {
  const families = new Map<string, string[]>()
  for (const { name, labels, value } of counters.snapshot()) {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escapeLabel(text)}"`)
    const series = families.get(name) ?? []
    series.push(`${name}${pairs.length > 0 ? `{${pairs.join(',')}}` : ''} ${value}`)
    families.set(name, series)
  }
  return [...families].map(([name, series]) => `${head(name)}${series.join('\n')}\n`).join('')
}

function head(name: string): string {
  const info = METRICS[name]
  return info ? `# HELP ${name} ${info.help}\n# TYPE ${name} ${info.type}\n` : `# TYPE ${name} untyped\n`
}

function escapeLabel(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
