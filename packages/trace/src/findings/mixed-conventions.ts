import { Evidence } from './evidence.ts'
import { idOf, type Rule } from './finding.ts'

const [SERVER, CLIENT] = [2, 3]
/** What HTTP spans have had, and have since the conventions are stable. Source: OpenTelemetry semantic conventions, HTTP migration guide. */
const OLD = ['http.method', 'http.status_code', 'http.url', 'http.target']
const NEW = ['http.request.method', 'http.response.status_code', 'url.full', 'url.path']

interface Side {
  readonly services: Set<string>
  readonly evidence: Evidence
}

/** Services that name the attributes of HTTP as they were beside such that name them as they are: a search for one finds half. */
export function mixedConventions(): Rule {
  const side = (): Side => ({ services: new Set(), evidence: new Evidence() })
  const [old, now] = [side(), side()]
  return {
    add(seen) {
      for (let row = 0; row < seen.trace.size; row++) {
        const kind = seen.trace.kind[row]
        if (kind !== SERVER && kind !== CLIENT) continue
        // Both at once is how one changes over.
        const hasNew = seen.attribute(row, ...NEW) !== undefined
        const hasOld = !hasNew && seen.attribute(row, ...OLD) !== undefined
        if (!hasNew && !hasOld) continue
        // Next.js writes the old names by itself, and no variable changes that.
        if (hasOld && seen.attribute(row, 'next.span_type') !== undefined) continue
        const found = hasNew ? now : old
        found.services.add(seen.service(row))
        found.evidence.add(seen, row)
      }
    },
    found() {
      if (old.evidence.count === 0 || now.evidence.count === 0) return []
      const [before, after] = [[...old.services], [...now.services]]
      return [
        {
          id: idOf('mixed_conventions'),
          code: 'mixed_conventions',
          severity: 'info',
          what: `${list(before)} name attributes of HTTP as they were (http.method), and ${list(after)} as they are (http.request.method): a search for one finds half.`,
          where: `service ${list(before)}`,
          services: before,
          mend: 'Let those with the old names send both, or the new ones.',
          lines: [{ kind: 'env', text: 'OTEL_SEMCONV_STABILITY_OPT_IN=http/dup' }],
          ...old.evidence.report(),
        },
      ]
    },
  }
}

function list(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(' and ')
}
