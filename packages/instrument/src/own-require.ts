import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

/** Resolves as this package does. In a bundle of CommonJS, where a module has no URL of its own, only what Node has. */
export const ownRequire = createRequire(import.meta.url || pathToFileURL('/bundle.cjs').href)
