import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'

/** Names of one form that make it a habit, and the share of the spans of that form that have a name of their own. */
const LEAST_NAMES = 10
const LEAST_SHARE = 0.5
/** Forms that are kept of a service, and names of one. */
const MAX_FORMS = 200
const MAX_NAMES = 1_000

/** What stands between separators of a path or a sentence, and is no word: a number, a UUID, an id in hex. */
const ID =
  /(?<![\w-])(?:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|(?=[a-f]*\d)[0-9a-f]{8,}|\d+)(?![\w-])/gi

/** The name with `{id}` for each id in it. */
export function templateOf(name: string): string {
  return name.replace(ID, '{id}')
}

interface Form {
  readonly service: string
  readonly template: string
  readonly names: Set<string>
  readonly evidence: Evidence
}

/** Names of spans that hold what differs from request to request: then there are as many operations as requests. */
export function namesWithIds(): Rule {
  const services = new Map<string, Map<string, Form>>()
  return {
    add(seen) {
      for (let row = 0; row < seen.trace.size; row++) {
        const name = seen.name(row)
        const template = templateOf(name)
        if (template === name) continue
        const service = seen.service(row)
        const forms = at(services, service, () => new Map<string, Form>())
        if (forms.size >= MAX_FORMS && !forms.has(template)) continue
        const form = at(forms, template, () => ({
          service,
          template,
          names: new Set<string>(),
          evidence: new Evidence(),
        }))
        if (form.names.size < MAX_NAMES) form.names.add(name)
        form.evidence.add(seen, row)
      }
    },
    found: () => [...services.values()].flatMap((forms) => [...forms.values()].flatMap(findingOf)),
  }
}

function findingOf({ service, template, names, evidence }: Form): Finding[] {
  if (names.size < LEAST_NAMES || names.size < LEAST_SHARE * evidence.count) return []
  const example = [...names][0]!
  return [
    {
      id: idOf('names_with_ids', service, template),
      code: 'names_with_ids',
      severity: 'warning',
      what: `${names.size} names of spans are of the form ${JSON.stringify(template)}, as ${JSON.stringify(example)}: each request is an operation of its own.`,
      where: `service ${service}`,
      services: [service],
      mend: 'Name the span by its template, and put the id into an attribute; of HTTP servers, the route is in http.route.',
      lines: [{ kind: 'code', text: `span.updateName(${JSON.stringify(template)})` }],
      ...evidence.report(),
    },
  ]
}
