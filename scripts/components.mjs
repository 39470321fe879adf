// `npm run docs:components`: writes docs/components/*.md from the schemas of the collector's components. Run with --conditions=@spoor/source.
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { componentPage, pageName } from '../packages/collector/src/config/reference.ts'
import { builtinFactories } from '../packages/collector/src/factories.ts'
import { root } from './setup.mjs'

const folder = join(root, 'docs', 'components')
mkdirSync(folder, { recursive: true })
for (const name of readdirSync(folder)) rmSync(join(folder, name))
for (const factory of builtinFactories) writeFileSync(join(folder, pageName(factory)), componentPage(factory))
