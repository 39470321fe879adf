/** The messages between the inference service and its worker thread. */

/** What the session's file says of the model. */
export interface ModelInfo {
  /** Width and height of its input in pixels. */
  readonly side: number
}

/** Asks to classify the image that is in the memory which both threads have. */
export interface WorkerRequest {
  readonly id: number
}

/** What the worker says. */
export type WorkerReply =
  /** `pixels`: where both threads have the image, raw RGB, `side * side * 3` bytes. */
  | { readonly kind: 'ready'; readonly info: ModelInfo; readonly pixels: SharedArrayBuffer }
  | { readonly kind: 'done'; readonly id: number; readonly probabilities: Float32Array; readonly runMs: number }
  | { readonly kind: 'failed'; readonly id: number; readonly message: string }
