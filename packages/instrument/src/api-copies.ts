import type * as Api from '@opentelemetry/api'
import { trace } from '@opentelemetry/api'
import type { Application } from './application.ts'
import { ownRequire } from './own-require.ts'

/**
 * Reports a copy of the API in the application that cannot see this SDK. All copies share what is installed through a
 * global, but a copy that is newer than the one that installed it, or of another major version, ignores it without a
 * word. To be called after the provider was installed.
 */
export function checkApiCopies(application: Application, report: (finding: string) => void): void {
  try {
    const file = application.require.resolve('@opentelemetry/api')
    if (file === ownRequire.resolve('@opentelemetry/api')) return
    const theirs = application.require(file) as typeof Api
    if (theirs.trace.getTracerProvider() === trace.getTracerProvider()) return
    report(
      `${file} does not go with the @opentelemetry/api of @spoor/instrument; spans that the application makes with it are lost, install one version of it`,
    )
  } catch {
    // The application has no copy of its own.
  }
}
