import { describe, expect, it } from 'vitest'
import { InferenceSession, Tensor } from 'onnxruntime-node'
import { colourModel, runModel } from '../testkit/onnx.ts'
import { OnnxGraph } from './onnx-graph.ts'

/** Runs a graph from `input` to `probs`, both of any shape. */
async function run(model: Uint8Array, values: number[], shape: number[]): Promise<number[]> {
  const session = await InferenceSession.create(model)
  const { probs } = await session.run({ input: new Tensor('float32', Float32Array.from(values), shape) })
  await session.release()
  return Array.from((probs?.data as Float32Array | undefined) ?? [])
}

describe('OnnxGraph', () => {
  it('writes a convolution that onnxruntime computes, strides, padding and bias included', async () => {
    const graph = new OnnxGraph('convolution')
    const kernel = graph.floats([1, 1, 2, 2], Float32Array.of(1, 10, 100, 1000))
    graph.node(
      'Conv',
      ['input', kernel, graph.floats([1], Float32Array.of(0.5))],
      { kernel_shape: [2, 2], strides: [2, 2], pads: [0, 0, 1, 1] },
      'probs',
    )
    const model = graph.serialize([1, 1, 3, 3], [1, 1, 2, 2])
    expect(await run(model, [1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 1, 3, 3])).toEqual([5421.5, 603.5, 87.5, 9.5])
  })

  it('writes scalars, integer constants and float attributes', async () => {
    const graph = new OnnxGraph('constants')
    const doubled = graph.node('Mul', ['input', graph.floats([], Float32Array.of(2))])
    const reversed = graph.node('Gather', [doubled, graph.integers([2, 1, 0])], { axis: 1 })
    graph.node('LeakyRelu', [reversed], { alpha: { float: 0.5 } }, 'probs')
    expect(await run(graph.serialize([1, 3], [1, 3]), [1, -2, 3], [1, 3])).toEqual([6, -2, 2])
  })

  it('keeps integers beyond one and two bytes', async () => {
    const graph = new OnnxGraph('gather')
    graph.node('Gather', ['input', graph.integers([300, 70_000])], { axis: 0 }, 'probs')
    const values = Array.from({ length: 70_001 }, (_, index) => index)
    expect(await run(graph.serialize([70_001], [2]), values, [70_001])).toEqual([300, 70_000])
  })

  it('says what the input and output are, with a free batch dimension', async () => {
    const session = await InferenceSession.create(colourModel(8))
    const [input] = session.inputMetadata
    expect(session.inputNames).toEqual(['input'])
    expect(session.outputNames).toEqual(['probs'])
    expect(input?.isTensor && input.shape).toEqual(['N', 8, 8, 3])
    await session.release()
  })

  it('makes a classifier that tells colours apart', async () => {
    const blue = Float32Array.from({ length: 4 * 4 * 3 }, (_, index) => (index % 3 === 2 ? 255 : 0))
    const probabilities = await runModel(colourModel(4), 4, blue)
    expect(probabilities.indexOf(Math.max(...probabilities))).toBe(2)
  })

  it('refuses values that do not fill their shape', () => {
    expect(() => new OnnxGraph('x').floats([2, 2], new Float32Array(3))).toThrow(
      'a tensor of shape [2, 2] has 4 values, got 3',
    )
  })
})
