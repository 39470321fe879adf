/** What to change where one call is made again and again: the place, as far as spans tell it, and code for the language of the service. */
import type { Finding } from './finding.ts'
import type { SeenTrace } from './seen-trace.ts'

export type WayOut = Pick<Finding, 'mend' | 'lines'>
type Line = Finding['lines'][number]

const LANGUAGE = ['telemetry.sdk.language'] as const
/** Both generations of the conventions. */
const QUERY = ['db.query.text', 'db.statement'] as const
const DATABASE = ['db.system.name', 'db.system'] as const
const FILE = ['code.file.path', 'code.filepath'] as const
const LINE = ['code.line.number', 'code.lineno'] as const
const FUNCTION = ['code.function.name', 'code.function'] as const

const code = (text: string): Line => ({ kind: 'code', text })

/** For a list: one after the other becomes beside each other. */
const TOGETHER: Readonly<Record<string, string>> = {
  nodejs: 'const results = await Promise.all(items.map((item) => call(item)))',
  webjs: 'const results = await Promise.all(items.map((item) => call(item)))',
  python: 'results = await asyncio.gather(*(call(item) for item in items))',
  go: 'for _, item := range items { group.Go(func() error { return call(ctx, item) }) } // group, ctx := errgroup.WithContext(ctx)',
  java: 'var results = items.parallelStream().map(item -> call(item)).toList();',
  dotnet: 'var results = await Task.WhenAll(items.Select(item => Call(item)));',
}

/** Three attempts at most, with waits that grow, and not the same for all. */
const PATIENT: Readonly<Record<string, string>> = {
  nodejs:
    'for (let attempt = 1; ; attempt++) try { return await call() } catch (error) { if (attempt === 3) throw error; await new Promise((done) => setTimeout(done, 200 * 2 ** attempt * (0.5 + Math.random()))) }',
  webjs:
    'for (let attempt = 1; ; attempt++) try { return await call() } catch (error) { if (attempt === 3) throw error; await new Promise((done) => setTimeout(done, 200 * 2 ** attempt * (0.5 + Math.random()))) }',
  python: '@retry(stop=stop_after_attempt(3), wait=wait_random_exponential(multiplier=0.2)) # tenacity',
  go: 'backoff.Retry(ctx, call, backoff.WithMaxTries(3)) // github.com/cenkalti/backoff/v5',
  java: 'RetryConfig.custom().maxAttempts(3).intervalFunction(IntervalFunction.ofExponentialRandomBackoff(200, 2.0)).build() // resilience4j',
}

/** Of calls for each of a list. `above`: the span that makes them; `call`: one of them. */
export function outOfLoop(seen: SeenTrace, above: number, call: number): WayOut {
  const place = placeOf(seen, call, above)
  const isDatabase = seen.attribute(call, ...DATABASE) !== undefined
  const query = forAll(seen.attribute(call, ...QUERY) ?? '', seen.attribute(call, ...DATABASE) ?? '')
  if (query !== undefined)
    return { mend: `${place}: ask once, for all of them, before the loop.`, lines: [code(query)] }
  if (isDatabase)
    return {
      mend: `${place}: ask once, for all of them, before the loop (a list in WHERE, or a join).`,
      lines: [code('WHERE id IN (…)')],
    }
  const together = TOGETHER[seen.resource(call, LANGUAGE)]
  return {
    mend: `${place}: ask once for all of them where what is called can answer that; else make the calls beside each other, so that they take as long as the longest.`,
    lines: together === undefined ? [] : [code(together)],
  }
}

/** Of calls that fail and are made again. */
export function outOfStorm(seen: SeenTrace, above: number, call: number): WayOut {
  const patient = PATIENT[seen.resource(call, LANGUAGE)]
  return {
    mend: `${placeOf(seen, call, above)}: give up after three attempts, and wait longer before each, by a time with chance in it; what is called may fail because of them.`,
    lines: patient === undefined ? [] : [code(patient)],
  }
}

/** `In src/cart.js:42, loadItems`, of the call, else of the span that makes it; else what can be searched for. */
function placeOf(seen: SeenTrace, ...rows: readonly number[]): string {
  for (const row of rows) {
    const file = seen.attribute(row, ...FILE)
    const name = seen.attribute(row, ...FUNCTION)
    const line = seen.attribute(row, ...LINE)
    const where = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}`
    const found = [where, name].filter(Boolean).join(', ')
    if (found) return `In ${found}`
  }
  return `In what runs below ${seen.name(rows.at(-1)!)}`
}

/** One row by one value: only what is of this form is written anew, as it may be pasted. */
const BY_ONE =
  /^(select\s+[\w\s.,*"`]+?\s+from\s+[\w."`]+(?:\s+(?:as\s+)?\w+)?\s+where\s+[\w."`]+\s*)=\s*(\$\d+|\?|%s|:\w+|@\w+)(?:\s+limit\s+(?:1|\$\d+|\?))?\s*;?$/i
const MAX_QUERY = 300

function forAll(query: string, database: string): string | undefined {
  const text = query.trim().replaceAll(/\s+/g, ' ')
  const [, front, value] = (text.length <= MAX_QUERY && BY_ONE.exec(text)) || []
  if (front === undefined) return undefined
  if (/postgres|cockroach/.test(database)) return `${front}= ANY(${value})`
  // Values with numbers are counted up: `:1, :2`.
  const next = value!.replace(/\d+$/, (number) => String(Number(number) + 1))
  return `${front}IN (${value}, ${next}, …)`
}
