import type * as Http from 'node:http'
import { ownRequire } from './own-require.ts'

/** `node:http`. By `import` it would bring all that it exports, of which undici alone takes 30 ms to load. */
export const http = ownRequire('node:http') as typeof Http
