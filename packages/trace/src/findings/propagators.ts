/** What to change where services do not hand on their context, by the language of who does not. */
import type { Finding } from './finding.ts'

type Line = Finding['lines'][number]

/** One side of calls whose context is lost. */
export interface Side {
  readonly service: string
  /** As `telemetry.sdk.language` has it; '' where it is not known. */
  readonly language: string
  /** Whether its context goes over in other calls: then it is not at fault. */
  readonly isProven: boolean
}

const GO: Line = {
  kind: 'code',
  text: 'otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))',
}
const ALL: Line = { kind: 'env', text: 'OTEL_PROPAGATORS=tracecontext,baggage,b3' }

/** Go's SDK has no propagator until one is set, and reads no variable for it; others have that of the W3C, and read `OTEL_PROPAGATORS`. */
export function outOfSilence(sides: readonly Side[]): Pick<Finding, 'mend' | 'lines'> {
  const inGo = sides.filter(({ language, isProven }) => language === 'go' && !isProven).map(({ service }) => service)
  if (inGo.length > 0)
    return {
      mend: `Set a propagator in the main function of ${[...new Set(inGo)].join(' and of ')}, before the first request: Go’s SDK has none until one is set, and does not read OTEL_PROPAGATORS.`,
      lines: [GO],
    }
  return {
    mend: 'Let the same propagators be on both sides; and whatever is in between (a proxy, a queue, a thread) hand on the header traceparent.',
    lines: [ALL],
  }
}

/** For whatever makes no spans: each of them lets the header of a request go on with the one that it makes. */
export const HANDING_ON: readonly Line[] = [
  { kind: 'code', text: 'fetch(url, { headers: { traceparent: request.headers.traceparent } }) // Node' },
  { kind: 'code', text: 'requests.get(url, headers={"traceparent": request.headers["traceparent"]})  # Python' },
  { kind: 'code', text: 'out.Header.Set("traceparent", in.Header.Get("traceparent")) // Go' },
  { kind: 'code', text: 'proxy_set_header traceparent $http_traceparent; # nginx' },
]

/** What carries the context to where work goes on in the same process. */
const CARRYING: Readonly<Record<string, readonly Line[]>> = {
  nodejs: [
    { kind: 'code', text: 'done = AsyncResource.bind(done) // of node:async_hooks, where the work is handed over' },
  ],
  python: [
    { kind: 'shell', text: 'pip install opentelemetry-instrumentation-threading' },
    { kind: 'code', text: 'executor.submit(contextvars.copy_context().run, work)' },
  ],
  java: [{ kind: 'code', text: 'executor = Context.taskWrapping(executor); // io.opentelemetry.context.Context' }],
  go: [{ kind: 'code', text: 'go work(ctx) // the context of the request, and not context.Background()' }],
}

/** Of a process that loses the context on the way to a thread, a pool, a queue in memory or a callback. */
export function outOfThread(language: string): Pick<Finding, 'mend' | 'lines'> {
  return {
    mend: 'Carry the context to where the work is done: a pool of threads, a queue in memory or a callback has that of whoever made it, or none.',
    lines: CARRYING[language] ?? [],
  }
}
