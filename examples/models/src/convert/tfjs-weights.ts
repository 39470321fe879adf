/**
 * The weights of a TensorFlow.js model: `model.json` lists groups of weights, each group's files are joined and hold the
 * weights one after the other. Source: the weights manifest of tfjs-core's io types.
 */

/** A constant of the network in its stored order. */
export interface Weight {
  readonly shape: readonly number[]
  readonly values: Float32Array
}

/** The part of `model.json` that tells where the weights are. */
export interface WeightsManifest {
  readonly weightsManifest: readonly {
    readonly paths: readonly string[]
    readonly weights: readonly {
      readonly name: string
      readonly shape: readonly number[]
      readonly dtype: string
      readonly quantization?: unknown
    }[]
  }[]
}

/** The bytes of a file that `model.json` names, relative to itself. Throws when there is none. */
export type ReadFile = (path: string) => Uint8Array

/**
 * @returns The float32 weights by name; int32 ones are constants of the graph's shape arithmetic and are left out.
 * @throws For quantised weights and types other than float32 and int32.
 */
export function readWeights({ weightsManifest }: WeightsManifest, read: ReadFile): Map<string, Weight> {
  const weights = new Map<string, Weight>()
  for (const group of weightsManifest) {
    const bytes = Buffer.concat(group.paths.map(read))
    let offset = 0
    for (const { name, shape, dtype, quantization } of group.weights) {
      if (quantization !== undefined) throw new Error(`tfjs: weight ${name} is quantised, which is not supported`)
      if (dtype !== 'float32' && dtype !== 'int32') throw new Error(`tfjs: weight ${name} has the type ${dtype}`)
      const size = 4 * shape.reduce((product, dimension) => product * dimension, 1)
      if (offset + size > bytes.length) throw new Error(`tfjs: weight ${name} reaches beyond the end of its file`)
      // Copied because the joined bytes need not be aligned.
      const values = new Float32Array(Uint8Array.from(bytes.subarray(offset, offset + size)).buffer)
      if (dtype === 'float32') weights.set(name, { shape, values })
      offset += size
    }
  }
  return weights
}

/** @throws When the model has no such weight. */
export function weightOf(weights: ReadonlyMap<string, Weight>, name: string | undefined): Weight {
  const weight = name === undefined ? undefined : weights.get(name)
  if (!weight) throw new Error(`tfjs: the model has no weight ${name}`)
  return weight
}
