import type { Envelope } from './model.ts'
import type { JaegerTraceReader } from './trace-json.ts'

type Errors = NonNullable<Envelope<unknown>['errors']>

export interface TracesText {
  readonly traces: AsyncIterable<JaegerTraceReader> | Iterable<JaegerTraceReader>
  /** Indented by four spaces, as Jaeger does for `prettyPrint`. */
  readonly pretty: boolean
  /** Whether what was read before the error may be given as a part of the trace; else the error ends the answer. */
  readonly leavesPart: (error: unknown) => error is Error
  /** Of the answer as a whole; read when all traces are. */
  readonly errors: () => Errors
}

/**
 * Pieces of the text of an answer with traces, made span by span. A trace that cannot be read to its end is given as
 * far as it goes, with a warning, and is named among the answer's errors.
 */
export async function* tracesText({ traces, pretty, leavesPart, errors }: TracesText): AsyncGenerator<string> {
  const json = pretty ? indented : (value: unknown) => JSON.stringify(value)
  const [line, colon] = pretty ? [lineAt, ': '] : [() => '', ':']
  const parts: { msg: string; traceID: string }[] = []
  yield `{${line(1)}"data"${colon}[`
  let isFirst = true
  for await (const trace of traces) {
    yield `${isFirst ? '' : ','}${line(2)}{${line(3)}"traceID"${colon}${json(trace.traceID, 3)},${line(3)}"spans"${colon}[`
    isFirst = false
    let separator = ''
    try {
      for await (const span of trace.spans()) {
        yield `${separator}${line(4)}${json(span, 4)}`
        separator = ','
      }
    } catch (error) {
      if (!leavesPart(error)) throw error
      const msg = `the trace is not complete: ${error.message}`
      trace.warnings.push(msg)
      parts.push({ msg, traceID: trace.traceID })
    }
    const warnings = trace.warnings.length > 0 ? trace.warnings : null
    yield `${separator === '' ? '' : line(3)}],${line(3)}"processes"${colon}${json(trace.processes, 3)},${line(3)}"warnings"${colon}${json(warnings, 3)}${line(2)}}`
  }
  const all = [...errors(), ...parts]
  const rest = [
    ['total', 0],
    ['limit', 0],
    ['offset', 0],
    ['errors', all.length > 0 ? all : null],
  ] as const
  yield `${isFirst ? '' : line(1)}]${rest.map(([key, value]) => `,${line(1)}"${key}"${colon}${json(value, 1)}`).join('')}${line(0)}}`
}

const lineAt = (depth: number): string => `\n${' '.repeat(4 * depth)}`

function indented(value: unknown, depth: number): string {
  // A line feed inside of a text is escaped, so that each in here is between two values.
  return JSON.stringify(value, undefined, 4).replaceAll('\n', lineAt(depth))
}
