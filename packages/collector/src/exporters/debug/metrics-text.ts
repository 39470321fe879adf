/** Metrics as lines that a person reads. The layouts are those of the OpenTelemetry Collector's debug exporter. */
import { attributesOf, resourceOf, scopeOf, type JsonAttribute, type JsonResource, type JsonScope } from './json.ts'
import { addAttributes, addResource, addScope, pairs, resourceLine, scopeLine, timeText } from './lines.ts'

type Double = number | string

interface Exemplar {
  readonly traceId?: string
  readonly spanId?: string
  readonly timeUnixNano?: string
  readonly asInt?: string
  readonly asDouble?: Double
  readonly filteredAttributes?: readonly JsonAttribute[]
}

interface Buckets {
  readonly offset?: number
  readonly bucketCounts?: readonly string[]
}

/** A data point of any kind. */
interface Point {
  readonly attributes?: readonly JsonAttribute[]
  readonly startTimeUnixNano?: string
  readonly timeUnixNano?: string
  readonly flags?: number
  readonly asInt?: string
  readonly asDouble?: Double
  readonly count?: string
  readonly sum?: Double
  readonly min?: Double
  readonly max?: Double
  readonly explicitBounds?: readonly Double[]
  readonly bucketCounts?: readonly string[]
  readonly scale?: number
  readonly zeroCount?: string
  readonly positive?: Buckets
  readonly negative?: Buckets
  readonly quantileValues?: readonly { readonly quantile?: Double; readonly value?: Double }[]
  readonly exemplars?: readonly Exemplar[]
}

interface Data {
  readonly isMonotonic?: boolean
  readonly aggregationTemporality?: number
  readonly dataPoints?: readonly Point[]
}

interface Metric {
  readonly name?: string
  readonly description?: string
  readonly unit?: string
  readonly metadata?: readonly JsonAttribute[]
  readonly gauge?: Data
  readonly sum?: Data
  readonly histogram?: Data
  readonly exponentialHistogram?: Data
  readonly summary?: Data
}

interface ScopeMetrics extends JsonScope {
  readonly metrics?: readonly Metric[]
}

/** An `ExportMetricsServiceRequest` as OTLP/JSON. */
export interface MetricsJson {
  readonly resourceMetrics?: readonly (JsonResource & { readonly scopeMetrics?: readonly ScopeMetrics[] })[]
}

/** Each kind by its key, with its name and that of its points. */
const KINDS = [
  ['gauge', 'Gauge', 'NumberDataPoints'],
  ['sum', 'Sum', 'NumberDataPoints'],
  ['histogram', 'Histogram', 'HistogramDataPoints'],
  ['exponentialHistogram', 'ExponentialHistogram', 'ExponentialHistogramDataPoints'],
  ['summary', 'Summary', 'SummaryDataPoints'],
] as const
const TEMPORALITIES = ['Unspecified', 'Delta', 'Cumulative']

/** One line for each resource, scope and data point. */
export function normalMetrics({ resourceMetrics = [] }: MetricsJson): string {
  const lines: string[] = []
  resourceMetrics.forEach((group, index) => {
    lines.push(resourceLine(`ResourceMetrics #${index}`, resourceOf(group)))
    group.scopeMetrics?.forEach((scope, scopeIndex) => {
      lines.push(scopeLine(`ScopeMetrics #${scopeIndex}`, scopeOf(scope)))
      for (const metric of scope.metrics ?? []) {
        for (const [key] of KINDS) {
          for (const point of metric[key]?.dataPoints ?? [])
            lines.push(`${metric.name ?? ''}{${pairs(attributesOf(point.attributes), ',')}} ${valueText(point)}`)
        }
      }
    })
  })
  return lines.join('\n')
}

function valueText(point: Point): string {
  if (point.asInt !== undefined) return point.asInt
  if (point.asDouble !== undefined) return String(point.asDouble)
  const parts = [`count=${point.count ?? 0}`]
  for (const key of ['sum', 'min', 'max'] as const) if (point[key] !== undefined) parts.push(`${key}=${point[key]}`)
  for (const { quantile = 0, value = 0 } of point.quantileValues ?? []) parts.push(`q${quantile}=${value}`)
  point.bucketCounts?.forEach((count, index) => {
    const bound = point.explicitBounds?.[index]
    parts.push(bound === undefined ? count : `le${bound}=${count}`)
  })
  for (const { upper, count } of exponentialBuckets(point))
    parts.push(upper === 0 ? `zero=${count}` : `le${upper}=${count}`)
  return parts.join(' ')
}

/** Everything that a metric holds. */
export function detailedMetrics({ resourceMetrics = [] }: MetricsJson): string {
  const lines: string[] = []
  resourceMetrics.forEach((group, index) => {
    addResource(lines, `ResourceMetrics #${index}`, resourceOf(group))
    group.scopeMetrics?.forEach((scope, scopeIndex) => {
      addScope(lines, 'ScopeMetrics', scopeIndex, scopeOf(scope))
      scope.metrics?.forEach((metric, metricIndex) => {
        lines.push(`Metric #${metricIndex}`)
        addMetric(lines, metric)
      })
    })
  })
  return lines.join('\n')
}

function addMetric(lines: string[], metric: Metric): void {
  const [key, kind, points] = KINDS.find(([each]) => metric[each]) ?? [undefined, 'Empty', '']
  lines.push(
    'Descriptor:',
    `     -> Name: ${metric.name ?? ''}`,
    `     -> Description: ${metric.description ?? ''}`,
    `     -> Unit: ${metric.unit ?? ''}`,
    `     -> DataType: ${kind}`,
  )
  addAttributes(lines, '     -> Metadata', attributesOf(metric.metadata), '          ')
  const data = key && metric[key]
  if (!data) return
  if (key === 'sum') lines.push(`     -> IsMonotonic: ${data.isMonotonic ?? false}`)
  if (key !== 'gauge' && key !== 'summary')
    lines.push(`     -> AggregationTemporality: ${TEMPORALITIES[data.aggregationTemporality ?? 0] ?? 'Unspecified'}`)
  data.dataPoints?.forEach((point, index) => {
    lines.push(`${points} #${index}`)
    addPoint(lines, point)
  })
}

function addPoint(lines: string[], point: Point): void {
  addAttributes(lines, 'Data point attributes', attributesOf(point.attributes))
  lines.push(
    `StartTimestamp: ${timeText(BigInt(point.startTimeUnixNano ?? 0))}`,
    `Timestamp: ${timeText(BigInt(point.timeUnixNano ?? 0))}`,
  )
  if (point.asInt !== undefined) lines.push(`Value: ${point.asInt}`)
  else if (point.asDouble !== undefined) lines.push(`Value: ${fixed(point.asDouble)}`)
  else addDistribution(lines, point)
  if (((point.flags ?? 0) & 1) === 1) lines.push('Flags: NoRecordedValue')
  if (point.exemplars?.length) lines.push('Exemplars:')
  point.exemplars?.forEach((exemplar, index) => addExemplar(lines, exemplar, index))
}

function addDistribution(lines: string[], point: Point): void {
  lines.push(`Count: ${point.count ?? 0}`)
  for (const key of ['sum', 'min', 'max'] as const)
    if (point[key] !== undefined) lines.push(`${key[0]!.toUpperCase()}${key.slice(1)}: ${fixed(point[key])}`)
  point.quantileValues?.forEach(({ quantile = 0, value = 0 }, index) =>
    lines.push(`QuantileValue #${index}: Quantile ${fixed(quantile)}, Value ${fixed(value)}`),
  )
  point.explicitBounds?.forEach((bound, index) => lines.push(`ExplicitBounds #${index}: ${fixed(bound)}`))
  point.bucketCounts?.forEach((count, index) => lines.push(`Buckets #${index}, Count: ${count}`))
  for (const { lower, upper, count } of exponentialBuckets(point)) {
    const range =
      upper < 0 ? `[${fixed(lower)}, ${fixed(upper)})` : upper > 0 ? `(${fixed(lower)}, ${fixed(upper)}]` : '[0, 0]'
    lines.push(`Bucket ${range}, Count: ${count}`)
  }
}

/** From the lowest to the highest; that of zero where there is something in it. */
function exponentialBuckets({
  scale = 0,
  zeroCount = '0',
  positive,
  negative,
}: Point): { lower: number; upper: number; count: string }[] {
  const bound = (index: number): number => 2 ** (index * 2 ** -scale)
  const of = ({ offset = 0, bucketCounts = [] }: Buckets = {}) =>
    bucketCounts.map((count, index) => ({ lower: bound(offset + index), upper: bound(offset + index + 1), count }))
  const below = of(negative).map(({ lower, upper, count }) => ({ lower: -upper, upper: -lower, count }))
  const zero = zeroCount === '0' ? [] : [{ lower: 0, upper: 0, count: zeroCount }]
  return [...below.toReversed(), ...zero, ...of(positive)]
}

function addExemplar(lines: string[], exemplar: Exemplar, index: number): void {
  lines.push(
    `Exemplar #${index}`,
    `     -> Trace ID: ${exemplar.traceId ?? ''}`,
    `     -> Span ID: ${exemplar.spanId ?? ''}`,
    `     -> Timestamp: ${timeText(BigInt(exemplar.timeUnixNano ?? 0))}`,
    `     -> Value: ${exemplar.asInt ?? fixed(exemplar.asDouble ?? 0)}`,
  )
  addAttributes(lines, '     -> FilteredAttributes', attributesOf(exemplar.filteredAttributes), '          ')
}

function fixed(value: Double): string {
  return typeof value === 'number' ? value.toFixed(6) : value
}
