import { at } from './at.ts'
import { Evidence } from './evidence.ts'
import { idOf, type Finding, type Rule } from './finding.ts'

/** Names of one form that make it a habit, and the share of the spans of that form that have a name of their own. */
const LEAST_NAMES = 10
const LEAST_SHARE = 0.5
/** Forms that are kept of a service, and names of one. */
const MAX_FORMS = 200
const MAX_NAMES = 1_000

/**
 * What stands between separators of a path or a sentence, and is no word: a UUID, an id in hex, a ULID, an id behind the two to six letters of its
 * kind (`cus_9s6XKzkNRiz8i3`), letters of both cases with digits among them (`V1StGXR8_Z5jdHi6B-myT`), an address of mail, a number.
 */
const ID = new RegExp(
  `(?<![\\w-])(?:${[
    '[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}',
    '(?=[a-fA-F]*\\d)[0-9a-fA-F]{8,}',
    '[0-7][0-9A-HJKMNP-TV-Z]{25}',
    '[a-zA-Z]{2,6}_(?=[a-zA-Z]*\\d)[0-9a-zA-Z]{14,}',
    '(?=[\\w-]*[A-Z])(?=[\\w-]*[a-z])(?=[\\w-]*\\d[\\w-]*\\d)[\\w-]{20,40}',
    '[\\w.+-]{1,64}@(?:[\\w-]+\\.)+[a-zA-Z]{2,24}',
    '\\d+',
  ].join('|')})(?![\\w-])`,
  'g',
)

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
