/** Small models for tests, and what they say. */
import { writeFile } from 'node:fs/promises'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { OnnxGraph } from '../convert/onnx-graph.ts'

/** Runs a model on one image of raw RGB `[1, side, side, 3]`. */
export async function runModel(model: Uint8Array, side: number, pixels: Float32Array): Promise<Float32Array> {
  const session = await InferenceSession.create(model)
  const { probs } = await session.run({ input: new Tensor('float32', pixels, [1, side, side, 3]) })
  await session.release()
  if (!(probs?.data instanceof Float32Array)) throw new Error('the model has no float output')
  return probs.data
}

/**
 * A classifier of colours: class 0 is red, 1 green, 2 blue; all 997 others are never likely. It keeps to the contract of
 * the example's models.
 */
export function colourModel(side = 8): Uint8Array {
  const graph = new OnnxGraph('colours')
  const mean = graph.node('GlobalAveragePool', [graph.node('Transpose', ['input'], { perm: [0, 3, 1, 2] })])
  const weights = new Float32Array(3 * 1000)
  for (const channel of [0, 1, 2]) weights[channel * 1000 + channel] = 1
  const bias = new Float32Array(1000).fill(-100)
  bias.fill(0, 0, 3)
  const logits = graph.node('Gemm', [
    graph.node('Flatten', [mean], { axis: 1 }),
    graph.floats([3, 1000], weights),
    graph.floats([1000], bias),
  ])
  graph.node('Softmax', [logits], { axis: 1 }, 'probs')
  return graph.serialize(['N', side, side, 3], ['N', 1000])
}

/** Writes {@link colourModel} to a file and returns its path. */
export async function writeColourModel(file: string, side?: number): Promise<string> {
  await writeFile(file, colourModel(side))
  return file
}

/** 1000 labels: red, green, blue, and `class n`. */
export const COLOUR_LABELS: readonly string[] = Array.from(
  { length: 1000 },
  (_, index) => ['red', 'green', 'blue'][index] ?? `class ${index}`,
)

/** `exp(x) / sum(exp(x))`, the expected end of every classifier. */
export function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits)
  const exponents = logits.map((logit) => Math.exp(logit - largest))
  const sum = exponents.reduce((total, exponent) => total + exponent, 0)
  return exponents.map((exponent) => exponent / sum)
}
