import type { Step } from './behaviour.ts'
import type { Description, Setting } from './description.ts'
import { KIND } from './draft.ts'
import { scopeOf } from './scope.ts'
import { hex } from './subject.ts'

/** GenAI: a model's answer, an embedding, a tool. The tokens are counted when it has answered. */
export function describeModel(
  step: Extract<Step, { readonly do: 'model' }>,
  { subject, random, instance }: Setting,
): Description {
  const common = { 'gen_ai.operation.name': step.operation, 'gen_ai.conversation.id': subject.session }
  const scope = scopeOf(instance.service.language, 'gen_ai')
  if (step.operation === 'execute_tool') {
    return {
      name: `execute_tool ${step.model}`,
      kind: KIND.internal,
      scope,
      attributes: {
        ...common,
        'gen_ai.tool.name': step.model,
        'gen_ai.tool.call.id': `call_${hex(random, 8)}${hex(random, 8)}`,
        'gen_ai.tool.call.arguments': JSON.stringify({ query: subject.query, user: subject.user, limit: 10 }),
      },
    }
  }
  const input = 60 + random.below(step.operation === 'chat' ? 9_000 : 400)
  return {
    name: `${step.operation} ${step.model}`,
    kind: KIND.client,
    scope,
    attributes: {
      ...common,
      'gen_ai.provider.name': 'example',
      'gen_ai.request.model': step.model,
      'gen_ai.response.model': `${step.model}-2026-04-11`,
      'gen_ai.response.id': `resp_${hex(random, 8)}${hex(random, 8)}`,
      'gen_ai.usage.input_tokens': input,
      ...(step.operation === 'chat'
        ? {
            'gen_ai.usage.output_tokens': 10 + random.below(900),
            'gen_ai.request.temperature': random.pick([0, 0.2, 0.7]),
            'gen_ai.request.max_tokens': 1024,
            'gen_ai.response.finish_reasons': [random.chance(0.6) ? 'stop' : 'tool_calls'],
            'gen_ai.output.messages': `[{"role":"assistant","parts":[{"type":"text","content":"Zu „${subject.query}“ habe ich ${subject.product} gefunden."}]}]`,
          }
        : { 'gen_ai.embeddings.dimension.count': 1536 }),
    },
  }
}
