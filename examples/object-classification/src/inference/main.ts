/** The inference service, traced in code: one call, which does all steps of `manual.ts` in their order and sends the rest at the end. */
import { startTracing } from '@spoor/instrument'
import { runInference } from './program.ts'

await runInference((serviceName) => startTracing({ serviceName }))
