import type { Random } from '../random.ts'
import { duration, howMany } from './chance.ts'
import type { Operation, Step } from './behaviour.ts'
import { KIND, type SpanDraft, type SpanId } from './draft.ts'
import { errorTypeOf, exceptionOf, httpStatusOf, messageOf, rpcStatusOf, type Failure } from './failure.ts'
import { pageEvents, withFramework } from './framework.ts'
import type { Instance } from './instance.ts'
import type { Market } from './market.ts'
import type { Description, Setting } from './description.ts'
import { describeEntry } from './entry-span.ts'
import { describeModel } from './model-span.ts'
import { describeCall, describeExternal, describePublish, describeQuery, describeWork } from './step-spans.ts'
import { fill, productOf, type Subject } from './subject.ts'

/** A trace stops growing there. */
const MOST_SPANS = 8_000

/** Shares of leaves that fail, and of failures that are passed on to the caller. */
const FAILING = 0.0035
const PASSED_ON = 0.75

/** A loop through so many things goes on when one of them fails. */
const LARGE = 100

interface Outcome {
  readonly end: number
  readonly failure?: Failure | undefined
}

/** A message that is on its way to a batch consumer, which links to it. */
export interface Sent extends SpanId {
  readonly topic: string
  readonly at: number
}

/** One trace while its operations are run: everything that happens because of one entry. */
export class TraceRun {
  readonly spans: SpanDraft[] = []
  /** Messages for batch consumers. */
  readonly sent: Sent[] = []
  readonly #market: Market
  readonly #random: Random
  readonly #subject: Subject
  readonly #traceId: Uint8Array

  constructor(market: Market, random: Random, subject: Subject) {
    this.#market = market
    this.#random = random
    this.#subject = subject
    this.#traceId = random.bytes(16)
  }

  /** Runs an operation from `at` on (nanoseconds), as a child of `parent`; `caller` is who called it. */
  perform(
    operation: Operation,
    at: number,
    parent?: SpanDraft,
    caller?: Instance,
    links: readonly SpanId[] = [],
  ): Outcome {
    const instance = this.#market.pickInstance(this.#random, operation.service)
    const span = this.#begin(describeEntry(operation, this.#setting(instance), caller), instance, at, parent)
    span.links.push(...links)
    if (operation.entry.protocol === 'page') span.events.push(...pageEvents(this.#random, at))
    let { end, failure } = this.#run(withFramework(operation, instance.service.language), span, at + this.#ms(0.3))
    if (!failure && this.#random.chance(FAILING / 2)) failure = 'bug'
    if (!failure && operation.service === 'payment' && this.#market.incident(at) && this.#random.chance(0.4))
      failure = 'declined'
    end += this.#ms(0.2)
    this.#answer(span, end, failure)
    if (failure) this.#exception(span, operation.name, failure)
    return { end, failure }
  }

  #ms = (ms: number): number => duration(this.#random, ms)

  #setting = (instance: Instance): Setting => ({ subject: this.#subject, instance, random: this.#random })

  #begin(description: Description, instance: Instance, start: number, parent: SpanDraft | undefined): SpanDraft {
    const span: SpanDraft = {
      ...description,
      traceId: this.#traceId,
      spanId: this.#random.bytes(8),
      parentSpanId: parent?.spanId,
      instance,
      start,
      end: start,
      events: [],
      links: [],
    }
    this.spans.push(span)
    return span
  }

  #run(steps: readonly Step[], span: SpanDraft, from: number): Outcome {
    let at = from
    for (const step of steps) {
      const { end, failure } = this.#step(step, span, at)
      at = end + this.#ms(0.05)
      if (failure && this.#random.chance(PASSED_ON)) return { end: at, failure }
    }
    return { end: at }
  }

  #step(step: Step, span: SpanDraft, at: number): Outcome {
    const setting = this.#setting(span.instance)
    switch (step.do) {
      case 'work': {
        const inner = this.#begin(describeWork(step, setting), span.instance, at, span)
        const { end, failure } = this.#run(step.steps, inner, at + this.#ms(step.ms))
        this.#answer(inner, end, failure)
        if (failure) this.#exception(inner, step.name, failure)
        return { end, failure }
      }
      case 'call':
        return this.#call(step, span, at)
      case 'external':
        return this.#leaf(describeExternal(step, setting), span, at, step.ms, 'timeout')
      case 'query':
        return this.#leaf(
          describeQuery(step, setting),
          span,
          at,
          step.system === 'redis' ? 0.4 : 2.5,
          step.text.startsWith('INSERT') ? 'constraint' : 'refused',
        )
      case 'model':
        return this.#leaf(describeModel(step, setting), span, at, step.operation === 'chat' ? 1_400 : 30, 'overloaded')
      case 'publish': {
        const producer = this.#leafSpan(describePublish(step, setting), span, at, 1.2)
        this.#deliver(step.topic, producer)
        return { end: producer.end }
      }
      case 'event':
        span.events.push({
          at,
          name: step.name,
          attributes: { 'log.message': fill(step.text, this.#subject, this.#random), 'log.severity': 'INFO' },
        })
        return { end: at }
      case 'parallel': {
        const outcomes = step.steps.map((each) => this.#step(each, span, at + this.#ms(0.02)))
        return {
          end: Math.max(...outcomes.map(({ end }) => end)),
          failure: outcomes.find(({ failure }) => failure)?.failure,
        }
      }
      case 'maybe':
        return this.#random.chance(step.chance) ? this.#step(step.step, span, at) : { end: at }
      default: {
        let end = at
        const count = howMany(this.#random, step.typical, step.most)
        for (let left = count; left > 0 && this.spans.length < MOST_SPANS; left--) {
          this.#subject.product = productOf(this.#random)
          const outcome = this.#step(step.step, span, end)
          end = outcome.end + this.#ms(0.03)
          if (outcome.failure && count < LARGE && this.#random.chance(PASSED_ON)) {
            return { end, failure: outcome.failure }
          }
        }
        return { end }
      }
    }
  }

  #call(step: Extract<Step, { do: 'call' }>, span: SpanDraft, from: number): Outcome {
    const operation = this.#market.operation(step.service, step.name)
    let at = from
    for (let attempt = 0; ; attempt++) {
      const client = this.#begin(describeCall(operation, this.#setting(span.instance)), span.instance, at, span)
      if (attempt > 0) client.attributes['http.request.resend_count'] = attempt
      const refused = this.#random.chance(FAILING) ? 'refused' : undefined
      const outcome: Outcome = refused
        ? { end: at + this.#ms(3), failure: refused }
        : this.perform(operation, at + this.#ms(0.6), client, span.instance)
      const end = outcome.end + this.#ms(0.6)
      this.#answer(client, end, outcome.failure)
      if (!outcome.failure || attempt + 1 >= step.attempts) return { end, failure: outcome.failure }
      at = end + this.#ms(50 * 2 ** attempt)
    }
  }

  #leaf(description: Description, parent: SpanDraft, at: number, ms: number, failure: Failure): Outcome {
    const failed = this.#random.chance(FAILING)
    const span = this.#leafSpan(description, parent, at, failed && failure === 'timeout' ? 3_000 : ms)
    this.#answer(span, span.end, failed ? failure : undefined)
    if (failed && this.#random.chance(0.5)) this.#exception(span, span.name, failure)
    return { end: span.end, failure: failed ? failure : undefined }
  }

  #leafSpan(description: Description, parent: SpanDraft, at: number, ms: number): SpanDraft {
    const span = this.#begin(description, parent.instance, at, parent)
    span.end = at + this.#ms(ms)
    return span
  }

  /** What happens in other services because of a message, long after the answer. */
  #deliver(topic: string, producer: SpanDraft): void {
    for (const operation of this.#market.consumers(topic)) {
      if (operation.entry.protocol === 'message' && operation.entry.batch) {
        this.sent.push({ traceId: producer.traceId, spanId: producer.spanId, topic, at: producer.end })
        continue
      }
      const delay = this.#random.chance(0.05) ? this.#ms(9_000) : this.#ms(120)
      this.perform(operation, producer.end + delay, producer, producer.instance, [producer])
    }
  }

  #answer(span: SpanDraft, end: number, failure: Failure | undefined): void {
    span.end = Math.max(end, span.start)
    const { attributes, kind } = span
    if ('http.request.method' in attributes) attributes['http.response.status_code'] = httpStatusOf(failure)
    else if ('http.method' in attributes) attributes['http.status_code'] = httpStatusOf(failure)
    else if ('rpc.system' in attributes) attributes['rpc.grpc.status_code'] = rpcStatusOf(failure)
    if (!failure) return
    // A server whose caller has done something wrong has not failed itself.
    if (kind === KIND.server && httpStatusOf(failure) < 500 && 'http.route' in attributes) return
    attributes['error.type'] = errorTypeOf(span.instance.service.language, failure)
    span.error = kind === KIND.server ? '' : messageOf(failure, this.#subject, this.#random)
  }

  #exception(span: SpanDraft, operation: string, failure: Failure): void {
    const message = messageOf(failure, this.#subject, this.#random)
    const { language } = span.instance.service
    span.events.push({
      at: span.end,
      name: 'exception',
      attributes: exceptionOf(language, operation, message, failure),
    })
  }
}
