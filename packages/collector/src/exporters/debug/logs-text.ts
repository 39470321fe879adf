/** Log records as lines that a person reads. The layouts are those of the OpenTelemetry Collector's debug exporter. */
import {
  attributesOf,
  resourceOf,
  scopeOf,
  valueOf,
  type JsonAttribute,
  type JsonResource,
  type JsonScope,
  type JsonValue,
} from './json.ts'
import {
  addAttributes,
  addResource,
  addScope,
  join,
  pairs,
  plainText,
  scopeLine,
  resourceLine,
  timeText,
  typedText,
} from './lines.ts'

interface LogRecord {
  readonly timeUnixNano?: string
  readonly observedTimeUnixNano?: string
  readonly severityNumber?: number
  readonly severityText?: string
  readonly eventName?: string
  readonly body?: JsonValue
  readonly attributes?: readonly JsonAttribute[]
  readonly droppedAttributesCount?: number
  readonly traceId?: string
  readonly spanId?: string
  readonly flags?: number
}

interface ScopeLogs extends JsonScope {
  readonly logRecords?: readonly LogRecord[]
}

/** An `ExportLogsServiceRequest` as OTLP/JSON. */
export interface LogsJson {
  readonly resourceLogs?: readonly (JsonResource & { readonly scopeLogs?: readonly ScopeLogs[] })[]
}

const SEVERITIES = ['Trace', 'Debug', 'Info', 'Warn', 'Error', 'Fatal']

/** One line for each resource, scope and record. */
export function normalLogs({ resourceLogs = [] }: LogsJson): string {
  const lines: string[] = []
  resourceLogs.forEach((group, index) => {
    lines.push(resourceLine(`ResourceLog #${index}`, resourceOf(group)))
    group.scopeLogs?.forEach((scope, scopeIndex) => {
      lines.push(scopeLine(`ScopeLog #${scopeIndex}`, scopeOf(scope)))
      for (const { body, attributes } of scope.logRecords ?? [])
        lines.push(join(plainText(valueOf(body)), pairs(attributesOf(attributes))))
    })
  })
  return lines.join('\n')
}

/** Everything that a record holds. */
export function detailedLogs({ resourceLogs = [] }: LogsJson): string {
  const lines: string[] = []
  resourceLogs.forEach((group, index) => {
    addResource(lines, `ResourceLog #${index}`, resourceOf(group))
    group.scopeLogs?.forEach((scope, scopeIndex) => {
      addScope(lines, 'ScopeLogs', scopeIndex, scopeOf(scope))
      scope.logRecords?.forEach((record, recordIndex) => {
        lines.push(`LogRecord #${recordIndex}`)
        addRecord(lines, record)
      })
    })
  })
  return lines.join('\n')
}

function addRecord(lines: string[], record: LogRecord): void {
  const { severityNumber = 0, droppedAttributesCount = 0 } = record
  lines.push(
    `ObservedTimestamp: ${timeText(BigInt(record.observedTimeUnixNano ?? 0))}`,
    `Timestamp: ${timeText(BigInt(record.timeUnixNano ?? 0))}`,
    `SeverityText: ${record.severityText ?? ''}`,
    `SeverityNumber: ${severityName(severityNumber)}(${severityNumber})`,
  )
  if (record.eventName) lines.push(`EventName: ${record.eventName}`)
  lines.push(`Body: ${typedText(valueOf(record.body))}`)
  addAttributes(lines, 'Attributes', attributesOf(record.attributes))
  if (droppedAttributesCount > 0) lines.push(`DroppedAttributesCount: ${droppedAttributesCount}`)
  lines.push(`Trace ID: ${record.traceId ?? ''}`, `Span ID: ${record.spanId ?? ''}`, `Flags: ${record.flags ?? 0}`)
}

/** `Info`, `Info2`, …: four of each. */
function severityName(number: number): string {
  const name = SEVERITIES[Math.floor((number - 1) / 4)]
  if (name === undefined) return 'Unspecified'
  const step = (number - 1) % 4
  return step === 0 ? name : `${name}${step + 1}`
}
