import { describe, expect, it } from 'vitest'
import { writeFlatBuffer } from '../testkit/flatbuffer-writer.ts'
import type { Table } from '../testkit/flatbuffer-writer.ts'
import { runModel, softmax } from '../testkit/onnx.ts'
import { tfliteToOnnx } from './from-tflite.ts'

const [FLOAT, INT32, UINT8] = [0, 2, 3]
const [AVERAGE_POOL, CONV, DEPTHWISE, RESHAPE, SOFTMAX] = [1, 3, 4, 22, 25]
const [SAME, VALID] = [0, 1]
const RELU6 = 3

interface TensorSpec {
  shape: number[]
  type?: number
  data?: Uint8Array
  scale?: number
  zero?: number
}

/** A `.tflite` file of these tensors and operators; tensor 0 is its input, the last one its output. */
function tflite(
  tensors: TensorSpec[],
  operators: { code: number; inputs: number[]; output: number; options?: Table }[],
) {
  const buffers: Table[] = [{}, ...tensors.map(({ data }): Table => (data ? { 0: { bytes: data } } : {}))]
  const codes = [...new Set(operators.map(({ code }) => code))]
  const subgraph: Table = {
    0: {
      tables: tensors.map(({ shape, type = FLOAT, scale, zero = 0 }, index): Table => ({
        0: { integers: shape },
        1: { byte: type },
        2: { integer: index + 1 },
        ...(scale !== undefined && { 4: { table: { 2: { floats: [scale] }, 3: { longs: [zero] } } } }),
      })),
    },
    1: { integers: [0] },
    2: { integers: [tensors.length - 1] },
    3: {
      tables: operators.map(({ code, inputs, output, options = {} }): Table => ({
        0: { integer: codes.indexOf(code) },
        1: { integers: inputs },
        2: { integers: [output] },
        4: { table: options },
      })),
    },
  }
  const model: Table = {
    1: { tables: codes.map((code): Table => ({ 0: { byte: code }, 3: { integer: code } })) },
    2: { tables: [subgraph] },
    4: { tables: buffers },
  }
  return writeFlatBuffer(model, 'TFL3')
}

const floats = (values: Float32Array): Uint8Array => new Uint8Array(values.buffer)
const convolution = (padding: number, activation: number, depthwise = false): Table => ({
  0: { byte: padding },
  1: { integer: 1 },
  2: { integer: 1 },
  [depthwise ? 4 : 3]: { byte: activation },
})
const pool: Table = { 0: { byte: VALID }, 1: { integer: 1 }, 2: { integer: 1 }, 3: { integer: 2 }, 4: { integer: 2 } }

describe('tfliteToOnnx', () => {
  it('converts depthwise and pointwise convolutions, pooling and the end of a float model', async () => {
    // A depthwise 1x1 that scales the channels, relu6, then a pointwise to 1001 classes, the mean and the softmax.
    const depthwise = Float32Array.of(1, 10, 100)
    const pointwise = Float32Array.from({ length: 1001 * 3 }, (_, index) => ((index * 7) % 11) / 20 - 0.25)
    const bias = Float32Array.from({ length: 1001 }, (_, index) => (index % 5) / 10)
    const file = tflite(
      [
        { shape: [1, 2, 2, 3] },
        { shape: [1, 1, 1, 3], data: floats(depthwise) },
        { shape: [3], data: floats(Float32Array.of(0, 0, 0.5)) },
        { shape: [1, 2, 2, 3] },
        { shape: [1001, 1, 1, 3], data: floats(pointwise) },
        { shape: [1001], data: floats(bias) },
        { shape: [1, 2, 2, 1001] },
        { shape: [1, 1, 1, 1001] },
        { shape: [1, 1001] },
        { shape: [1, 1001] },
      ],
      [
        { code: DEPTHWISE, inputs: [0, 1, 2], output: 3, options: convolution(SAME, RELU6, true) },
        { code: CONV, inputs: [3, 4, 5], output: 6, options: convolution(SAME, 0) },
        { code: AVERAGE_POOL, inputs: [6], output: 7, options: pool },
        { code: RESHAPE, inputs: [7], output: 8 },
        { code: SOFTMAX, inputs: [8], output: 9 },
      ],
    )
    const pixels = [255, 127.5, 255, 0, 255, 0, 51, 200, 100, 255, 140, 130]
    const onnx = tfliteToOnnx(file, { name: 'tiny', range: 'minus_one_to_one' })
    const probabilities = await runModel(onnx, 2, Float32Array.from(pixels))

    const activations = pixels.map((value, index) => {
      const scaled = (value / 127.5 - 1) * (depthwise[index % 3] ?? 0) + (index % 3 === 2 ? 0.5 : 0)
      return Math.min(6, Math.max(0, scaled))
    })
    const logits = Array.from(bias, (offset, label) => {
      let sum = 0
      for (let index = 0; index < 12; index++)
        sum += ((activations[index] ?? 0) * (pointwise[label * 3 + (index % 3)] ?? 0)) / 4
      return sum + offset
    })
    const expected = softmax(logits.slice(1))
    for (let index = 0; index < 1000; index++) expect(probabilities[index]).toBeCloseTo(expected[index] ?? 0, 6)
  })

  it('turns uint8 weights back into floats, and keeps to the range that eight bits can hold', async () => {
    const kernel = Uint8Array.from({ length: 1001 * 3 }, (_, index) => index % 256)
    const bias = Int32Array.from({ length: 1001 }, (_, index) => (index % 7) * 10)
    const file = tflite(
      [
        { shape: [1, 1, 1, 3], type: UINT8, scale: 1 / 128, zero: 128 },
        { shape: [1001, 1, 1, 3], type: UINT8, data: kernel, scale: 0.02, zero: 120 },
        { shape: [1001], type: INT32, data: new Uint8Array(bias.buffer), scale: 0.01 },
        { shape: [1, 1, 1, 1001], type: UINT8, scale: 0.01, zero: 100 },
        { shape: [1, 1001], type: UINT8, scale: 0.01, zero: 100 },
      ],
      [
        { code: CONV, inputs: [0, 1, 2], output: 3, options: convolution(VALID, 0) },
        { code: RESHAPE, inputs: [3], output: 4 },
      ],
    )
    const onnx = tfliteToOnnx(file, { name: 'tiny', range: 'zero_to_one' })
    const probabilities = await runModel(onnx, 1, Float32Array.of(255, 127.5, 51))
    const logits = Array.from(bias, (offset, label) => {
      const sum = [1, 0.5, 0.2].reduce(
        (total, value, channel) => total + value * ((kernel[label * 3 + channel] ?? 0) - 120) * 0.02,
        offset * 0.01,
      )
      return Math.min((255 - 100) * 0.01, Math.max(-100 * 0.01, sum))
    })
    const expected = softmax(logits.slice(1))
    for (let index = 0; index < 1000; index++) expect(probabilities[index]).toBeCloseTo(expected[index] ?? 0, 6)
  })

  it('names an operator that it does not know', () => {
    const file = tflite([{ shape: [1, 2, 2, 3] }, { shape: [1, 1000] }], [{ code: 99, inputs: [0], output: 1 }])
    expect(() => tfliteToOnnx(file, { name: 'x', range: 'zero_to_one' })).toThrow('operator 99 is not supported')
  })

  it('refuses what is not TFLite', () => {
    for (const bytes of [Buffer.alloc(0), Buffer.alloc(64), Buffer.from('<!doctype html><html></html>')])
      expect(() => tfliteToOnnx(bytes, { name: 'x', range: 'zero_to_one' })).toThrow(/TFL3|bounds/)
  })
})
