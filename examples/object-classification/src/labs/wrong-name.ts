import { is, length, most, near, oneOf, rootsOf } from './lab.ts'
import type { Lab } from './lab.ts'
import type { LabSpan } from './spans.ts'

/** 10: a service says that it is another one: what it does stands below a name of somebody else. */
export const wrongName: Lab = {
  number: 10,
  title: 'Who is it really?',
  photographs: 8,
  rate: 1,
  draw: ({ services }, pick) => ({
    fault: 'wrong_service_name',
    at: oneOf(services, pick, 'there are no services'),
    parameters: {},
  }),
  ask: () =>
    'One service is nowhere to be seen, and another one seems to do its work. Which one is it, what does it call itself, in which trace did the request take longest, and how many spans has that trace below the name that is used twice?',
  answer: {
    service: 'the true name of the service',
    as: 'the name that it uses',
    trace: 'the id of the trace whose request (its first span) took longest',
    spans: 'how many spans with that name the trace has',
  },
  solve(spans) {
    const impostor = impostorOf(spans)
    const longest = most(rootsOf(spans), length)?.traceId
    const named = spans.filter(({ traceId, service }) => traceId === longest && service === impostor?.name)
    return {
      service: is(impostor?.trueName ?? ''),
      as: is(impostor?.name ?? ''),
      trace: is((impostor && longest) ?? ''),
      spans: near(impostor ? named.length : Number.NaN, 0),
    }
  },
}

/** Who does what only another one does. */
export function impostorOf(
  spans: readonly LabSpan[],
): { readonly name: string; readonly trueName: string } | undefined {
  for (const span of spans) {
    const name = trueName(span)
    if (name !== undefined && name !== span.service) return { name: span.service, trueName: name }
  }
  return undefined
}

/** What only one service does says which one it is. */
function trueName({ name, attributes }: LabSpan): string | undefined {
  if (name === 'prepare the image') return 'preprocessing'
  if (name === 'classify in the background') return 'ensemble'
  return name === 'run the model' ? `inference-${attributes.get('model.name')}` : undefined
}
