import { QueryError } from '../../query/error.ts'

/** A TraceQL text that cannot be read, or asks for what is not supported. The message begins with the line and the column, both from 1. */
export class TraceqlError extends QueryError {
  constructor(text: string, reason: string, position: number) {
    super(`parse error at ${placeOf(text, position)}: ${reason}`, position)
  }
}

function placeOf(text: string, position: number): string {
  const before = text.slice(0, position)
  return `line ${before.split('\n').length}, col ${position - before.lastIndexOf('\n')}`
}
