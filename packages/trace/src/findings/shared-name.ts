import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

/** A name that programs in two languages have: they are two services, and shown as one. */
export function sharedName(): Rule {
  const services = new Map<string, Map<string, Evidence>>()
  return {
    add(seen) {
      const told = new Set<number>()
      for (let row = 0; row < seen.trace.size; row++) {
        const resource = seen.trace.resourceStart[row]!
        if (told.has(resource)) continue
        told.add(resource)
        const language = seen.resource(row, ['telemetry.sdk.language'])
        // The pages of a service may have its name.
        if (language === '' || language === 'webjs') continue
        const languages = at(services, seen.service(row), () => new Map<string, Evidence>())
        at(languages, language, () => new Evidence()).add(seen, row)
      }
    },
    found: () =>
      [...services].flatMap(([service, languages]) => {
        if (languages.size < 2) return []
        // The one that most of the spans are of keeps the name.
        const ranked = [...languages].sort(([, a], [, b]) => b.count - a.count)
        const names = ranked.map(([language]) => language)
        return [
          {
            id: idOf('shared_name', service),
            code: 'shared_name',
            severity: 'warning' as const,
            what: `Programs in ${names.join(' and ')} are all called ${service}: they are shown as one service.`,
            where: `service ${service}`,
            services: [service],
            mend: 'Give each its own name.',
            lines: names.slice(1).map((language) => ({
              kind: 'env' as const,
              text: `OTEL_SERVICE_NAME=${/^[\w.-]+$/.test(service) ? service : 'shop'}-${language.replaceAll(/\W/g, '')}`,
            })),
            ...ranked.at(-1)![1].report(),
          },
        ]
      }),
  }
}
