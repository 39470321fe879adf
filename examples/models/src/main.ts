/** Puts models, labels and photographs into a folder, for an image of a container: `node main.js --cache /assets --models mobilenet`. */
import { parseArgs } from 'node:util'
import { prepareLabels, prepareModels, preparePhotographs } from './prepare.ts'

const { values } = parseArgs({
  options: {
    cache: { type: 'string', default: '.cache' },
    models: { type: 'string', default: '' },
    photographs: { type: 'boolean', default: false },
  },
})
const options = { cache: values.cache, output: process.stdout }
await prepareModels(
  values.models.split(',').filter((name) => name !== ''),
  options,
)
await prepareLabels(options)
if (values.photographs) await preparePhotographs(options)
