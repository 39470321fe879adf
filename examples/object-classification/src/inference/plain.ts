/** The inference service without a line of tracing: start it with `node --import @spoor/instrument/register inference/plain.js`. */
import { runInference } from './program.ts'

await runInference(() => undefined)
