/** The messages between the inference service and its worker thread. */

/** What the session's file says of the model. */
export interface ModelInfo {
  /** Width and height of its input in pixels. */
  readonly side: number
}

/** One image to classify: raw RGB, `side * side * 3` bytes. */
export interface WorkerRequest {
  readonly id: number
  readonly pixels: Uint8Array
}

/** What the worker says. */
export type WorkerReply =
  | { readonly kind: 'ready'; readonly info: ModelInfo }
  | { readonly kind: 'done'; readonly id: number; readonly probabilities: Float32Array; readonly runMs: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
