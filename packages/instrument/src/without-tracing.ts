import { context, ROOT_CONTEXT } from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'

/** Runs `fn`, and all that it starts, outside of any trace: what carries spans away makes none itself. */
export function withoutTracing<T>(fn: () => T): T {
  return context.with(suppressTracing(ROOT_CONTEXT), fn)
}
