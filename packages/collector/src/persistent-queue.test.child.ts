/** A collector with the configuration in the file argv[2]; it prints its address, and runs until it is killed. */
import { readFileSync } from 'node:fs'
import { createCollector } from './collector.ts'
import { builtinFactories } from './factories.ts'

const quiet = (): void => {}
const logger = { debug: quiet, info: quiet, warn: quiet, error: quiet }
const config = readFileSync(process.argv[2]!, 'utf8')
const collector = createCollector({ config, factories: builtinFactories, logger })
await collector.start()
console.log(collector.listening()[0]!.address)
