import type { Relation } from '@spoor/storage'

/*
 * TraceQL as it was written. `at` is the place in the text, for messages.
 *
 * Source: the language as Tempo 2.9 documents it, and its grammar, `pkg/traceql/expr.y`.
 */

/** Where an attribute is looked for; `none`: anywhere. */
export type Scope = 'none' | 'span' | 'resource' | 'event' | 'link' | 'instrumentation'

/** What a value is of. Durations are nanoseconds. */
export type ValueType = 'string' | 'number' | 'boolean' | 'status' | 'kind'
export type Value = string | number | bigint | boolean

export type Arithmetic = '+' | '-' | '*' | '/' | '%' | '^'
export type Compare = '=' | '!=' | '<' | '<=' | '>' | '>='
export type Match = '=~' | '!~'

/** An expression on one span. */
export type Expression =
  | { readonly op: 'static'; readonly type: ValueType; readonly value: Value; readonly at: number }
  | Target
  | {
      readonly op: 'binary'
      readonly sign: Arithmetic | Compare | Match | '&&' | '||'
      readonly left: Expression
      readonly right: Expression
      readonly at: number
    }
  | { readonly op: 'not' | 'minus'; readonly arg: Expression; readonly at: number }
  /** `!= nil`, and where it is `not`, `= nil`. */
  | { readonly op: 'exists'; readonly not: boolean; readonly arg: Expression; readonly at: number }

export type Target = AttributeTarget | IntrinsicTarget

export interface AttributeTarget {
  readonly op: 'attribute'
  readonly scope: Scope
  /** Of the parent span. */
  readonly parent: boolean
  readonly name: string
  readonly at: number
}

export interface IntrinsicTarget {
  readonly op: 'intrinsic'
  readonly name: Intrinsic
  readonly at: number
}

/** The fields of a span, its trace, its events and links; `span:name` and `name` are one. */
export const INTRINSICS = [
  'name',
  'status',
  'statusMessage',
  'kind',
  'duration',
  'parent',
  'childCount',
  'traceDuration',
  'rootName',
  'rootServiceName',
  'nestedSetLeft',
  'nestedSetRight',
  'nestedSetParent',
  'trace:id',
  'span:id',
  'span:parentID',
  'event:name',
  'event:timeSinceStart',
  'link:traceID',
  'link:spanID',
  'instrumentation:name',
  'instrumentation:version',
] as const
export type Intrinsic = (typeof INTRINSICS)[number]

/** Sets of spans of one trace. */
export type SetExpression =
  | FilterSet
  | { readonly op: 'both'; readonly left: SetExpression; readonly right: SetExpression; readonly at: number }
  | { readonly op: 'either'; readonly left: SetExpression; readonly right: SetExpression; readonly at: number }
  | {
      readonly op: 'related'
      readonly relation: Relation
      /** `union`: both sides. */
      readonly how: 'plain' | 'not' | 'union'
      readonly left: SetExpression
      readonly right: SetExpression
      readonly at: number
    }
  /** In parentheses. */
  | { readonly op: 'pipeline'; readonly stages: readonly Stage[]; readonly at: number }

export interface FilterSet {
  readonly op: 'filter'
  /** Undefined: all. */
  readonly expression: Expression | undefined
  readonly at: number
}

export type Stage =
  | { readonly op: 'set'; readonly set: SetExpression }
  | ScalarFilter
  /** `text`: as it was written. */
  | { readonly op: 'by'; readonly expression: Expression; readonly text: string; readonly at: number }
  | { readonly op: 'coalesce'; readonly at: number }
  | { readonly op: 'select'; readonly targets: readonly Target[]; readonly at: number }

export interface ScalarFilter {
  readonly op: 'scalar'
  readonly compare: Compare
  readonly left: Scalar
  readonly right: Scalar
  readonly at: number
}

/** A number of a set of spans. */
export type Scalar =
  /** Durations are nanoseconds. */
  | { readonly op: 'number'; readonly value: number; readonly isDuration: boolean; readonly at: number }
  | {
      readonly op: 'aggregate'
      readonly aggregate: 'count' | 'min' | 'max' | 'sum' | 'avg'
      /** Undefined for `count`. */
      readonly of: Expression | undefined
      readonly text: string
      readonly at: number
    }
  /** Of a set of its own, in parentheses. */
  | {
      readonly op: 'of'
      readonly stages: readonly Stage[]
      readonly scalar: Scalar
      readonly text: string
      readonly at: number
    }
  | {
      readonly op: 'arithmetic'
      readonly sign: Arithmetic
      readonly left: Scalar
      readonly right: Scalar
      readonly at: number
    }

export const METRICS = [
  'rate',
  'count_over_time',
  'min_over_time',
  'max_over_time',
  'avg_over_time',
  'sum_over_time',
  'quantile_over_time',
  'histogram_over_time',
  'compare',
] as const
export type MetricName = (typeof METRICS)[number]

export interface Metric {
  readonly name: MetricName
  /** Undefined for `rate`, `count_over_time` and `compare`. */
  readonly of: Target | undefined
  /** Of `quantile_over_time`. */
  readonly quantiles: readonly number[]
  /** Of `compare`. */
  readonly comparison: Comparison | undefined
  readonly by: readonly Target[]
  readonly at: number
}

/** Some of the spans with all others. */
export interface Comparison {
  readonly selection: FilterSet
  /** Values that are told of each attribute. */
  readonly top: number
  /** When the selection starts. Nanoseconds since 1970; undefined: whenever the others do. */
  readonly from: bigint | undefined
  readonly to: bigint | undefined
}

export type SecondStage =
  | { readonly op: 'topk' | 'bottomk'; readonly count: number }
  /** Points that do not compare are left out. Durations are seconds. */
  | { readonly op: 'compare'; readonly compare: Compare; readonly value: number }

/** Numbers over time. */
export type SeriesExpression =
  | { readonly op: 'series'; readonly stages: readonly Stage[]; readonly metric: Metric; readonly at: number }
  | { readonly op: 'number'; readonly value: number; readonly at: number }
  /** Of series on both sides, those that have the same labels. */
  | {
      readonly op: 'math'
      readonly sign: '+' | '-' | '*' | '/'
      readonly left: SeriesExpression
      readonly right: SeriesExpression
      readonly at: number
    }
  | { readonly op: 'then'; readonly of: SeriesExpression; readonly second: readonly SecondStage[]; readonly at: number }

export interface Traceql {
  /** Of a query for spans; none where it is for numbers. */
  readonly stages: readonly Stage[]
  /** Undefined: it asks for spans, and not for numbers over time. */
  readonly series: SeriesExpression | undefined
}
