import { describe, expect, it } from 'vitest'
import { runModel, softmax } from '../testkit/onnx.ts'
import { graphModelToOnnx } from './from-graph-model.ts'
import type { GraphModel } from './from-graph-model.ts'
import { kerasToOnnx } from './from-keras.ts'
import type { LayersModel } from './from-keras.ts'
import { readWeights } from './tfjs-weights.ts'

/** Weights as a manifest of one group in two files, to see that they are joined. */
function manifest(weights: Record<string, { shape: number[]; values: number[] }>) {
  const bytes = Buffer.concat(Object.values(weights).map(({ values }) => Buffer.from(Float32Array.from(values).buffer)))
  // Cut in the middle of a number.
  const cut = Math.floor(bytes.length / 2) + 1
  const files: Record<string, Uint8Array> = { 'a.bin': bytes.subarray(0, cut), 'b.bin': bytes.subarray(cut) }
  return {
    weightsManifest: [
      {
        paths: ['a.bin', 'b.bin'],
        weights: Object.entries(weights).map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })),
      },
    ],
    read: (path: string): Uint8Array => {
      const file = files[path]
      if (!file) throw new Error(`no ${path}`)
      return file
    },
  }
}

const series = (length: number, f: (index: number) => number): number[] =>
  Array.from({ length }, (_, index) => f(index))
const mean = (pixels: readonly number[], channel: number): number =>
  pixels.filter((_, index) => index % 3 === channel).reduce((sum, value) => sum + value, 0) / (pixels.length / 3)

describe('kerasToOnnx', () => {
  it('converts the layers of a residual network', async () => {
    // Zero padding, a 3x3 convolution that keeps the channels, batch normalisation, relu, a shortcut around them, the
    // maximum of single pixels, the mean, and the classifier.
    const kernel = series(3 * 3 * 3 * 3, (index) => {
      const [pixel, input, output] = [Math.floor(index / 9), Math.floor(index / 3) % 3, index % 3]
      return pixel === 4 && input === output ? 1 : 0
    })
    const dense = series(3 * 1000, (index) => ((index * 13) % 17) / 1000)
    const { weightsManifest, read } = manifest({
      'conv/kernel': { shape: [3, 3, 3, 3], values: kernel },
      'conv/bias': { shape: [3], values: [1, 2, 3] },
      'bn/gamma': { shape: [3], values: [1, 2, 1] },
      'bn/beta': { shape: [3], values: [0, 1, 0] },
      'bn/moving_mean': { shape: [3], values: [0, 10, 0] },
      'bn/moving_variance': { shape: [3], values: [1, 4, 1] },
      'fc/kernel': { shape: [3, 1000], values: dense },
      'fc/bias': { shape: [1000], values: series(1000, (index) => (index % 3) / 10) },
    })
    const layer = (class_name: string, name: string, inputs: string[], config: object = {}) => ({
      class_name,
      config: { name, ...config },
      inbound_nodes: inputs.length === 0 ? [] : [inputs.map((input): [string, number] => [input, 0])],
    })
    const model: LayersModel = {
      weightsManifest,
      modelTopology: {
        model_config: {
          config: {
            name: 'tiny',
            layers: [
              layer('InputLayer', 'in', [], { batch_input_shape: [null, 4, 4, 3] }),
              layer('ZeroPadding2D', 'pad', ['in'], {
                padding: [
                  [1, 1],
                  [1, 1],
                ],
              }),
              layer('Conv2D', 'conv', ['pad'], { padding: 'valid', strides: [1, 1], activation: 'linear' }),
              layer('BatchNormalization', 'bn', ['conv'], { epsilon: 0 }),
              layer('Activation', 'relu', ['bn'], { activation: 'relu' }),
              layer('Add', 'add', ['relu', 'in']),
              layer('MaxPooling2D', 'max', ['add'], { pool_size: [1, 1], strides: [1, 1], padding: 'valid' }),
              layer('GlobalAveragePooling2D', 'mean', ['max']),
              layer('Dense', 'fc', ['mean'], { activation: 'softmax' }),
            ],
          },
        },
      },
    }
    const pixels = series(48, (index) => (index * 37) % 256)
    const onnx = kerasToOnnx(model, read, { range: 'zero_to_one' })
    const probabilities = await runModel(onnx, 4, Float32Array.from(pixels))

    const unit = pixels.map((value) => value / 255)
    const added = unit.map((value, index) => {
      const [bias, gamma, beta, average, variance] = [
        [1, 2, 3],
        [1, 2, 1],
        [0, 1, 0],
        [0, 10, 0],
        [1, 4, 1],
      ].map((values) => values[index % 3] ?? 0) as [number, number, number, number, number]
      return Math.max(0, ((value + bias - average) / Math.sqrt(variance)) * gamma + beta) + value
    })
    const means = [0, 1, 2].map((channel) => mean(added, channel))
    const logits = series(1000, (label) =>
      means.reduce((sum, value, channel) => sum + value * (dense[channel * 1000 + label] ?? 0), (label % 3) / 10),
    )
    const expected = softmax(logits)
    for (let index = 0; index < 1000; index++) expect(probabilities[index]).toBeCloseTo(expected[index] ?? 0, 5)
  })

  it('names a layer that it does not know, and a weight that is missing', () => {
    const { weightsManifest, read } = manifest({ 'x/kernel': { shape: [1], values: [1] } })
    const model = (class_name: string): LayersModel => ({
      weightsManifest,
      modelTopology: {
        model_config: {
          config: {
            name: 'x',
            layers: [
              {
                class_name: 'InputLayer',
                config: { name: 'in', batch_input_shape: [null, 4, 4, 3] },
                inbound_nodes: [],
              },
              { class_name, config: { name: 'x' }, inbound_nodes: [[['in', 0]]] },
            ],
          },
        },
      },
    })
    expect(() => kerasToOnnx(model('LSTM'), read, { range: 'zero_to_one' })).toThrow('LSTM is not supported')
    expect(() => kerasToOnnx(model('Dense'), read, { range: 'zero_to_one' })).toThrow('no weight x/bias')
  })
})

describe('graphModelToOnnx', () => {
  const base64 = (text: string): string => Buffer.from(text).toString('base64')
  const strides = { list: { i: ['1', '1', '1', '1'] } }

  it('converts the operations of a MobileNet, whatever their order in the file', async () => {
    const kernel = series(3 * 1001, (index) => ((index * 31) % 23) / 20 - 0.5)
    const bias = series(1001, (index) => (index % 4) / 10)
    const { weightsManifest, read } = manifest({
      two: { shape: [], values: [2] },
      one: { shape: [], values: [1] },
      'first/weights': { shape: [1, 1, 3, 3], values: [1, 0, 0, 0, 2, 0, 0, 0, 40] },
      'first/bias': { shape: [3], values: [0, 0.5, 0] },
      'depthwise/weights': { shape: [1, 1, 3, 1], values: [3, 2, 1] },
      'depthwise/bias': { shape: [3], values: [0.1, 0.2, 0.3] },
      'last/weights': { shape: [1, 1, 3, 1001], values: kernel },
      'last/bias': { shape: [1001], values: bias },
    })
    const same = { s: base64('SAME') }
    const model: GraphModel = {
      weightsManifest,
      modelTopology: {
        node: [
          { name: 'squeeze', op: 'Squeeze', input: ['last'] },
          { name: 'images', op: 'Placeholder' },
          ...[
            'two',
            'one',
            'axes',
            'first/weights',
            'first/bias',
            'depthwise/weights',
            'depthwise/bias',
            'last/weights',
            'last/bias',
          ].map((name) => ({ name, op: 'Const' })),
          { name: 'mean', op: 'Mean', input: ['relu', 'axes'] },
          {
            name: 'last',
            op: '_FusedConv2D',
            input: ['mean', 'last/weights', 'last/bias'],
            attr: { strides, padding: same, fused_ops: { list: { s: [base64('BiasAdd')] } } },
          },
          { name: 'relu', op: 'Relu6', input: ['biased'] },
          { name: 'biased', op: 'BiasAdd', input: ['depthwise', 'depthwise/bias'] },
          {
            name: 'depthwise',
            op: 'DepthwiseConv2dNative',
            input: ['first', 'depthwise/weights'],
            attr: { strides, padding: same },
          },
          {
            name: 'first',
            op: '_FusedConv2D',
            input: ['sub', 'first/weights', 'first/bias'],
            attr: { strides, padding: same, fused_ops: { list: { s: [base64('BiasAdd'), base64('Relu6')] } } },
          },
          { name: 'sub', op: 'Sub', input: ['mul', 'one'] },
          { name: 'mul', op: 'Mul', input: ['images', 'two'] },
        ],
      },
    }
    const pixels = series(12, (index) => (index * 67) % 256)
    const onnx = graphModelToOnnx(model, read, { name: 'tiny', side: 2, range: 'zero_to_one' })
    const probabilities = await runModel(onnx, 2, Float32Array.from(pixels))

    const relu6 = (value: number): number => Math.min(6, Math.max(0, value))
    const last = pixels.map((value, index) => {
      const channel = index % 3
      const first = relu6((2 * (value / 255) - 1) * ([1, 2, 40][channel] ?? 0) + ([0, 0.5, 0][channel] ?? 0))
      return relu6(first * ([3, 2, 1][channel] ?? 0) + ([0.1, 0.2, 0.3][channel] ?? 0))
    })
    const means = [0, 1, 2].map((channel) => mean(last, channel))
    const logits = bias.map((offset, label) =>
      means.reduce((sum, value, channel) => sum + value * (kernel[channel * 1001 + label] ?? 0), offset),
    )
    const expected = softmax(logits.slice(1))
    for (let index = 0; index < 1000; index++) expect(probabilities[index]).toBeCloseTo(expected[index] ?? 0, 5)
  })

  it('names an operation that it does not know', () => {
    const { weightsManifest, read } = manifest({})
    const node = [
      { name: 'images', op: 'Placeholder' },
      { name: 'fft', op: 'FFT', input: ['images'] },
    ]
    const model = { weightsManifest, modelTopology: { node } }
    expect(() => graphModelToOnnx(model, read, { name: 'x', side: 2, range: 'zero_to_one' })).toThrow(
      'operation FFT (fft) is not supported',
    )
  })
})

describe('readWeights', () => {
  const group = (weight: object) => ({
    weightsManifest: [{ paths: ['a'], weights: [{ name: 'w', shape: [2], dtype: 'float32', ...weight }] }],
  })

  it('refuses quantised weights, other types and files that are too short', () => {
    const read = (): Uint8Array => new Uint8Array(4)
    expect(() => readWeights(group({ quantization: { dtype: 'uint8' } }), read)).toThrow('quantised')
    expect(() => readWeights(group({ dtype: 'bool' }), read)).toThrow('has the type bool')
    expect(() => readWeights(group({}), read)).toThrow('reaches beyond the end')
  })
})
