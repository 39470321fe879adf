import { SpanFlag } from '../model.ts'
import { topRows } from '../children.ts'
import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

/** So many requests make it a habit, and so much of all of them drowns the rest. */
const LEAST_ROOTS = 20
const LEAST_SHARE = 0.8
const HEALTH =
  /(?:^|[/\s._-])(?:health|healthz|livez|readyz|liveness|readiness|ready|alive|ping|heartbeat)(?:[/\s._-]?check)?(?:$|[/\s?])/i

/** Whether what is called so asks how a service is. */
export function isHealthCheck(name: string): boolean {
  return HEALTH.test(name)
}

/** Traces that are nothing but one probe asking how a service is. */
export function healthChecks(): Rule {
  const roots = new Map<
    string,
    { readonly service: string; readonly name: string; readonly path: string; readonly evidence: Evidence }
  >()
  let all = 0
  return {
    add(seen) {
      for (const row of topRows(seen.trace)) {
        if (seen.trace.flags[row]! & SpanFlag.orphan) continue
        all++
        const name = seen.name(row)
        const path = seen.attribute(row, 'http.route', 'url.path', 'http.target') ?? ''
        if (!isHealthCheck(name) && !isHealthCheck(path)) continue
        const service = seen.service(row)
        const key = `${service}\n${name}`
        at(roots, key, () => ({ service, name, path, evidence: new Evidence() })).evidence.add(seen, row)
      }
    },
    found() {
      const [most] = [...roots.values()].sort((a, b) => b.evidence.count - a.evidence.count)
      const health = [...roots.values()].reduce((sum, { evidence }) => sum + evidence.count, 0)
      if (!most || all < LEAST_ROOTS || health < LEAST_SHARE * all) return []
      const { service, name, path, evidence } = most
      const condition =
        path === '' ? `name == ${JSON.stringify(name)}` : `attributes["url.path"] == ${JSON.stringify(path)}`
      return [
        {
          id: idOf('health_checks', service, name),
          code: 'health_checks',
          severity: 'warning',
          what: `${Math.round((100 * health) / all)} % of ${all} requests are health checks, most of them ${service} ${name}: the others are hard to find.`,
          where: `service ${service}`,
          services: [service],
          mend: 'Leave them out where they are made, or in a collector.',
          lines: [
            { kind: 'env', text: `SPOOR_EXCLUDE='${name.replaceAll("'", '')}'` },
            {
              kind: 'yaml',
              text: `processors: { filter/health: { error_mode: ignore, traces: { span: ['${condition.replaceAll("'", "''")}'] } } }`,
            },
          ],
          ...evidence.report(),
        },
      ]
    },
  }
}
