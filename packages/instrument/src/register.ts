/**
 * `node --import @spoor/instrument/register app.js`: starts tracing before the application is loaded, with what the
 * environment says. ES modules and CommonJS alike.
 */
import { startTracing } from './tracing.ts'

startTracing()
