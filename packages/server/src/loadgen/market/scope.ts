import type { Scope } from './draft.ts'
import type { Language } from './services.ts'

/** The instrumentation library of a language for `what`: `http`, `postgresql`, `kafka`, ... and `app`, the service's own code. */
export function scopeOf(language: Language, what: string): Scope {
  switch (language) {
    case 'java':
      return {
        name: what === 'app' ? 'com.market.app' : `io.opentelemetry.${JAVA_SCOPES[what] ?? what}`,
        version: '2.20.1-alpha',
      }
    case 'python':
      return { name: `opentelemetry.instrumentation.${what.replaceAll('-', '_')}`, version: '0.58b0' }
    case 'go':
      return {
        name: what === 'app' ? 'market/internal' : `go.opentelemetry.io/contrib/instrumentation/${what}`,
        version: '0.63.0',
      }
    case 'dotnet':
      return { name: what === 'app' ? 'Market' : `OpenTelemetry.Instrumentation.${what}`, version: '1.12.0' }
    case 'swift':
      return { name: 'URLSession', version: '2.1.0' }
    case 'cpp':
      return { name: 'envoy', version: '' }
    default:
      return { name: what === 'app' ? 'market' : `@opentelemetry/instrumentation-${what}`, version: '0.205.0' }
  }
}

const JAVA_SCOPES: Readonly<Record<string, string>> = {
  http: 'tomcat-10.0',
  'http-client': 'java-http-client',
  grpc: 'grpc-1.6',
  postgresql: 'jdbc',
  mysql: 'jdbc',
  redis: 'lettuce-5.1',
  kafka: 'kafka-clients-0.11',
  rabbitmq: 'rabbitmq-2.7',
  elasticsearch: 'elasticsearch-rest-7.0',
}
