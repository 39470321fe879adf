import { UNKNOWN_SERVICE } from '../build.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

/** Spans whose resource names no service, or has the name that SDKs give where nothing is set. */
export function unknownService(): Rule {
  const evidence = new Evidence()
  const names = new Set<string>()
  return {
    add(seen) {
      for (let row = 0; row < seen.trace.size; row++) {
        const name = seen.service(row)
        if (!name.startsWith(UNKNOWN_SERVICE)) continue
        evidence.add(seen, row)
        names.add(name)
      }
    },
    found: () =>
      evidence.count === 0
        ? []
        : [
            {
              id: idOf('unknown_service'),
              code: 'unknown_service',
              severity: 'warning',
              what: 'Spans come from a service without a name: services cannot be told apart.',
              where: `service ${[...names].slice(0, 3).join(', ')}`,
              services: [...names],
              mend: 'Give each service its name.',
              lines: [{ kind: 'env', text: 'OTEL_SERVICE_NAME=shop' }],
              ...evidence.report(),
            },
          ],
  }
}
