/** A collector with the configuration in the file argv[2]; it says when it is ready, and runs until it is killed. */
import { readFileSync } from 'node:fs'
import { createCollector } from '../../collector.ts'
import { builtinFactories } from '../../factories.ts'

const quiet = (): void => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const collector = createCollector({
  config: readFileSync(process.argv[2]!, 'utf8'),
  factories: builtinFactories,
  logger,
})
await collector.start()
console.log('ready')
