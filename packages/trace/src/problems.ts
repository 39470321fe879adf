import { formatDuration } from '@spoor/otlp'
import { spanIdOf, spanOf } from './access.ts'
import { childrenOf, endOf, topRows } from './children.ts'
import { SpanFlag, type Problem, type Trace } from './model.ts'
import { CLOCK_GRAIN_NS, isAnsweredCall, SkewBounds } from './skew.ts'

const INTERNAL = 1
const SERVER = 2
const CLIENT = 3
const ERROR = 2

/** What is told of a tail at the least: handlers end a little after the answer that they have given. Nanoseconds. */
const LEAST_TAIL_NS = 1_000_000
/** Scopes whose spans are around a handler and end with the answer, now before and now after the server's span: no work of their own. */
const FRAMES = /instrumentation[-.](?:express|koa|connect|fastify|hapi|router|restify|nestjs-core|net|next)\b/

/** Groups of one kind beyond this are told in one sum, so that a trace of errors gives a list that can be read. */
const MAX_GROUPS = 20

/**
 * What a person should know of the trace, errors first, then warnings, then remarks. Spans that have the same thing to
 * say are told together. At most some 20 entries of a kind.
 */
export function problems(trace: Trace): Problem[] {
  const skews = skewsOf(trace)
  const found = [
    ...errors(trace),
    ...orphans(trace),
    ...clockSkew(trace, skews),
    ...duplicateIds(trace),
    ...cycles(trace),
    ...variants(trace),
    ...negativeDurations(trace),
    ...roots(trace),
    ...asyncTails(trace, skews),
  ]
  const rank = { error: 0, warning: 1, info: 2 }
  return found.sort((a, b) => rank[a.severity] - rank[b.severity])
}

function serviceOf(trace: Trace, row: number): string {
  return trace.services[trace.service[row]!]!
}

/** `inference POST /inference`; the service alone when the span has no name. */
function nameOf(trace: Trace, row: number): string {
  return `${serviceOf(trace, row)} ${trace.names[trace.name[row]!]}`.trim()
}

function rowsWith(trace: Trace, flag: number): number[] {
  const rows: number[] = []
  for (let row = 0; row < trace.size; row++) if (trace.flags[row]! & flag) rows.push(row)
  return rows
}

function groupBy<K>(rows: Iterable<number>, keyOf: (row: number) => K): Map<K, number[]> {
  const groups = new Map<K, number[]>()
  for (const row of rows) {
    const key = keyOf(row)
    const group = groups.get(key)
    if (group) group.push(row)
    else groups.set(key, [row])
  }
  return groups
}

const count = (number: number, one: string, many = `${one}s`) =>
  `${number.toLocaleString('en')} ${number === 1 ? one : many}`

function largest(rows: readonly number[], of: (row: number) => number): number {
  return rows.reduce((most, row) => Math.max(most, of(row)), 0)
}

/** `a, b and 3 more` */
function list(names: Iterable<string>, max = 3): string {
  const all = [...new Set(names)]
  if (all.length > max) return `${all.slice(0, max).join(', ')} and ${all.length - max} more`
  return all.length === 1 ? all[0]! : `${all.slice(0, -1).join(', ')} and ${all.at(-1)}`
}

/** One problem a group; what is beyond {@link MAX_GROUPS} groups in one more. */
function perGroup(
  code: string,
  severity: Problem['severity'],
  groups: Map<unknown, number[]>,
  text: (rows: number[]) => string,
  rest: (rows: number[]) => string,
): Problem[] {
  const all = [...groups.values()]
  const told: Problem[] = all.slice(0, MAX_GROUPS).map((rows) => ({ code, severity, text: text(rows), rows }))
  const untold = all.slice(MAX_GROUPS).flat()
  if (untold.length > 0) told.push({ code, severity, text: rest(untold), rows: untold })
  return told
}

/** The deepest spans with status error: those above them failed because of them. */
function errors(trace: Trace): Problem[] {
  const causes: number[] = []
  for (let row = 0; row < trace.size; row++) {
    if (trace.status[row] === ERROR && !(trace.flags[row]! & SpanFlag.errorBelow)) causes.push(row)
  }
  const groups = groupBy(causes, (row) => nameOf(trace, row))
  return perGroup(
    'error',
    'error',
    groups,
    (rows) => {
      const message = errorMessage(trace, rows[0]!)
      const name = nameOf(trace, rows[0]!)
      if (rows.length === 1) return `${name} failed${message && `: ${message}`}`
      return `${name} failed ${count(rows.length, 'time')}${message && `: first with ${message}`}`
    },
    (rows) => `${count(rows.length, 'more span')} of other names failed`,
  )
}

/** The status message, else what the first recorded exception says. */
export function errorMessage(trace: Trace, row: number): string {
  const { span } = spanOf(trace, row)
  if (span.status.message) return span.status.message
  const exception = span.events.find((event) => event.name === 'exception')
  const texts = ['exception.type', 'exception.message'].map((key) => {
    const value = exception?.attributes.find((attribute) => attribute.key === key)?.value
    return value?.type === 'string' ? value.value : ''
  })
  return texts.filter(Boolean).join(': ')
}

function orphans(trace: Trace): Problem[] {
  const rows = rowsWith(trace, SpanFlag.orphan)
  if (rows.length === 0) return []
  const who = `${count(rows.length, 'span')} of ${list(rows.map((row) => serviceOf(trace, row)))}`
  const text =
    rows.length === 1
      ? `${nameOf(trace, rows[0]!)} has a parent that is not in the trace: it was lost, not sampled, or is still running`
      : `${who} have parents that are not in the trace: they were lost, not sampled, or are still running`
  return [{ code: 'orphan', severity: 'warning', text, rows }]
}

/**
 * Spans that ended before the work that they had started. Told of the span that is outlived, as that is the one whose
 * duration misleads.
 */
function asyncTails(trace: Trace, skews: readonly Skew[]): Problem[] {
  const tails = new Map<number, number>()
  const ends = subtreeEnds(trace)
  const skewed = new Set(skews.flatMap(({ rows }) => rows))
  const isOfFrames = framesOf(trace)
  for (const row of rowsWith(trace, SpanFlag.async)) {
    if (skewed.has(row) || isFrame(trace, row, ends[row]!, isOfFrames)) continue
    const above = answerOf(trace, trace.parent[row]!, ends[row]!)
    const tail = ends[row]! - endOf(trace, above)
    if (tail >= LEAST_TAIL_NS) tails.set(above, Math.max(tails.get(above) ?? 0, tail))
  }
  return perGroup(
    'async-tail',
    'info',
    groupBy(tails.keys(), (row) => `${nameOf(trace, row)} ${trace.kind[row]}`),
    (rows) => {
      const longest = formatDuration(largest(rows, (row) => tails.get(row)!))
      const by = rows.length === 1 ? longest : `up to ${longest}`
      const times = rows.length === 1 ? '' : ` (${count(rows.length, 'time')})`
      const [row] = rows as [number]
      if (trace.kind[row] === CLIENT && [...childrenOf(trace, row)].some((child) => trace.kind[child] === SERVER)) {
        return `${nameOf(trace, row)} ended ${by} before the service that it called was done${times}`
      }
      const subject = trace.kind[row] === SERVER ? `${serviceOf(trace, row)} answered` : `${nameOf(trace, row)} ended`
      return `${subject} ${by} before its work was done${times}`
    },
    (rows) => `${count(rows.length, 'more span')} of other names ended before their work was done`,
  )
}

/** Whether nothing is late but the span of a framework around a handler. */
function isFrame(trace: Trace, row: number, end: number, isOfFrames: (row: number) => boolean): boolean {
  if (trace.kind[row] !== INTERNAL || endOf(trace, row) < end) return false
  if (trace.service[row] !== trace.service[trace.parent[row]!]) return false
  return isOfFrames(row)
}

/** Whether a row's scope is one of {@link FRAMES}. Remembered by scope: to read what one is called goes over all of its spans, of which there may be a million. */
function framesOf(trace: Trace): (row: number) => boolean {
  const known = new Map<number, boolean>()
  return (row) => {
    const scope = trace.scope[row]!
    let isFrames = known.get(scope)
    if (isFrames === undefined) known.set(scope, (isFrames = FRAMES.test(spanOf(trace, row).scope.name)))
    return isFrames
  }
}

/**
 * The span by which a service answered: where work outlasts the inner span that started it and the server span around that, it is the
 * server span, whose duration the caller saw.
 */
function answerOf(trace: Trace, start: number, workEnd: number): number {
  for (let row = start; row !== -1 && trace.service[row] === trace.service[start]; row = trace.parent[row]!) {
    if (endOf(trace, row) >= workEnd) break
    if (trace.kind[row] === SERVER) return row
  }
  return start
}

/** The last end in each row's subtree, offsets from the trace's start. */
function subtreeEnds(trace: Trace): Float64Array {
  const ends = new Float64Array(trace.size)
  for (let row = trace.size - 1; row >= 0; row--) {
    ends[row] = Math.max(ends[row]!, endOf(trace, row))
    const above = trace.parent[row]!
    if (above !== -1) ends[above] = Math.max(ends[above]!, ends[row]!)
  }
  return ends
}

/** A service whose clock is apart from that of one that calls it, by all the calls between them. */
interface Skew {
  readonly aheadNs: number
  /** The server's spans. */
  readonly rows: readonly number[]
}

function skewsOf(trace: Trace): Skew[] {
  const calls: number[] = []
  for (let row = 0; row < trace.size; row++) if (isAnsweredCall(trace, row)) calls.push(row)
  const pairs = groupBy(calls, (row) => `${trace.service[row]} ${trace.service[trace.parent[row]!]}`)
  return [...pairs.values()].flatMap((rows) => {
    const bounds = new SkewBounds()
    for (const row of rows) bounds.add(trace, trace.parent[row]!, row)
    const { aheadNs } = bounds
    return aheadNs === undefined ? [] : [{ aheadNs, rows }]
  })
}

/** Told from work that goes on after the answer by what all the calls between two services allow together, see {@link SkewBounds}. */
function clockSkew(trace: Trace, skews: readonly Skew[]): Problem[] {
  const skewed = skews.map(({ aheadNs, rows }): Problem => {
    const row = rows[0]!
    const how = `${formatDuration(Math.abs(aheadNs))} ${aheadNs > 0 ? 'ahead of' : 'behind'}`
    const text = `the clock of ${serviceOf(trace, row)} is ${how} that of ${serviceOf(trace, trace.parent[row]!)}`
    return { code: 'clock-skew', severity: 'warning', text, rows }
  })
  return [...skewed, ...earlyStarts(trace, new Set(skews.flatMap(({ rows }) => rows)))]
}

function earlyStarts(trace: Trace, told: ReadonlySet<number>): Problem[] {
  const parentOf = (row: number) => trace.parent[row]!
  const early = (row: number) => trace.startNs[parentOf(row)]! - trace.startNs[row]!
  const rows = rowsWith(trace, SpanFlag.startsBeforeParent).filter(
    (row) => !told.has(row) && early(row) > CLOCK_GRAIN_NS,
  )
  return perGroup(
    'clock-skew',
    'warning',
    groupBy(rows, (row) => `${trace.service[row]} ${trace.service[parentOf(row)]}`),
    (group) => {
      const [row] = group as [number]
      const by = formatDuration(largest(group, early))
      if (trace.service[row] === trace.service[parentOf(row)]) {
        const subject =
          group.length === 1 ? nameOf(trace, row) : `${count(group.length, 'span')} of ${serviceOf(trace, row)}`
        return `${subject} start${group.length === 1 ? 's' : ' up to'} ${by} before ${group.length === 1 ? 'its parent' : 'their parents'} in the same service: its clock was set back meanwhile, or the parent is not what started it`
      }
      const what =
        group.length === 1
          ? `${nameOf(trace, row)} starts ${by} before its parent`
          : `${count(group.length, 'span')} of ${serviceOf(trace, row)} start up to ${by} before their parents`
      const where = serviceOf(trace, parentOf(row))
      return `${what} in ${where}: the clocks differ, or the parent is not what started it`
    },
    (group) => `${count(group.length, 'more span')} of other services start before their parents`,
  )
}

/** A server span under the client span of its id is Zipkin's way and no problem. */
function duplicateIds(trace: Trace): Problem[] {
  const byId = groupBy(rowsWith(trace, SpanFlag.duplicateId), (row) => spanIdOf(trace, row))
  for (const [id, rows] of byId) {
    const kinds = rows.map((row) => trace.kind[row])
    if (rows.length === 2 && kinds.includes(CLIENT) && kinds.includes(SERVER)) byId.delete(id)
  }
  return perGroup(
    'duplicate-span-id',
    'warning',
    byId,
    (rows) => {
      const who = `${count(rows.length, 'span')} of ${list(rows.map((row) => serviceOf(trace, row)))}`
      return `${who} share the span id ${spanIdOf(trace, rows[0]!)}: their children may be shown under the wrong one`
    },
    (rows) => `${count(rows.length, 'more span')} share their ids with others`,
  )
}

function cycles(trace: Trace): Problem[] {
  return flagged(trace, SpanFlag.cycle, 'cycle', {
    one: 'is its own ancestor: shown as a root',
    many: 'are their own ancestors: shown as roots',
  })
}

function variants(trace: Trace): Problem[] {
  const rows = rowsWith(trace, SpanFlag.variants)
  if (rows.length === 0) return []
  const who = list(rows.map((row) => nameOf(trace, row)))
  const text = `${who} ${rows.length === 1 ? 'was' : 'were'} sent more than once, with other attributes, events or links: one of them is shown`
  return [{ code: 'variants', severity: 'info', text, rows }]
}

function negativeDurations(trace: Trace): Problem[] {
  return flagged(trace, SpanFlag.negativeDuration, 'negative-duration', {
    one: 'ends before it starts: shown with no length',
    many: 'end before they start: shown with no length',
  })
}

/** One problem about all spans with a flag: their names and what is said of one, or of several. */
function flagged(trace: Trace, flag: number, code: string, said: { one: string; many: string }): Problem[] {
  const rows = rowsWith(trace, flag)
  if (rows.length === 0) return []
  const who = list(rows.map((row) => nameOf(trace, row)))
  return [{ code, severity: 'warning', text: `${who} ${rows.length === 1 ? said.one : said.many}`, rows }]
}

function roots(trace: Trace): Problem[] {
  const tops = [...topRows(trace)]
  const real = tops.filter((row) => !(trace.flags[row]! & (SpanFlag.orphan | SpanFlag.cycle)))
  if (real.length === 0 && tops.length > 0) {
    const text = 'no span of the trace is its root: where the request began is not known'
    return [{ code: 'no-root', severity: 'warning', text, rows: tops }]
  }
  if (real.length < 2) return []
  const text = `the trace has ${count(real.length, 'root')}: ${list(real.map((row) => nameOf(trace, row)))}`
  return [{ code: 'several-roots', severity: 'info', text, rows: real }]
}
