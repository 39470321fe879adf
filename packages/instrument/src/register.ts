/**
 * `node --import @spoor/instrument/register app.js`: starts tracing before the application is loaded, with what the
 * environment says. ES modules and CommonJS alike.
 */
import { startTracing } from './tracing.ts'

// With NODE_OPTIONS it comes into each Node that is started, and npm is not what somebody wants to see traced.
const packageManager = /[\\/](npm|npx|npm-cli|npx-cli|pnpm|pnpx|yarn|yarnpkg|corepack)(\.[cm]?js)?$/

if (!packageManager.test(process.argv[1] ?? '')) startTracing()
