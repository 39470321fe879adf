/** What the services say to each other about a photograph. */

/** A label and how sure a model is of it. */
export interface Prediction {
  /** ImageNet class, 0..999. */
  readonly index: number
  readonly label: string
  /** 0..1. */
  readonly probability: number
}

/** An inference service's answer. */
export interface InferenceAnswer {
  readonly model: string
  /** One a class, 0..1, sum 1. */
  readonly probabilities: readonly number[]
}

/** What one model said, as part of a result. */
interface ModelVote extends Prediction {
  readonly model: string
}

/** The ensemble's result: the average of what the models said. */
export interface EnsembleResult extends Prediction {
  readonly requestId: string
  /** The five best, best first. */
  readonly top: readonly Prediction[]
  readonly votes: readonly ModelVote[]
  /** The inference services that gave no answer, and why. */
  readonly failed: readonly { readonly service: string; readonly reason: string }[]
}

/** Every error answer of the services. */
export interface ErrorAnswer {
  readonly error: { readonly code: string; readonly message: string }
}

/** The `count` classes with the highest probability, best first. */
export function best(probabilities: ArrayLike<number>, labels: readonly string[], count: number): Prediction[] {
  const found: number[] = []
  const of = (index: number | undefined): number => (index === undefined ? -Infinity : probabilities[index]!)
  for (let index = 0; index < probabilities.length; index++) {
    if (found.length === count && of(index) <= of(found.at(-1))) continue
    // Behind those that are as likely: of them the first stays first.
    const place = found.findIndex((other) => of(index) > of(other))
    found.splice(place < 0 ? found.length : place, 0, index)
    if (found.length > count) found.pop()
  }
  return found.map((index) => ({ index, label: labels[index] ?? `class ${index}`, probability: of(index) }))
}
