import type { Counters } from '@spoor/collector'

/**
 * Prometheus text of the collector's counters, version 0.0.4. One `# TYPE` line a name, the series of a name together,
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
  return [...families].map(([name, series]) => `# TYPE ${name} untyped\n${series.join('\n')}\n`).join('')
}

function escapeLabel(text: string): string {
  return text
    .replaceAll('\\', '\\\\')
    .replaceAll('"', String.raw`\"`)
    .replaceAll('\n', String.raw`\n`)
}
