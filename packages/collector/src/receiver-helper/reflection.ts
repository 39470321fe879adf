/**
 * `grpc.reflection`, v1 and v1alpha, which have the same messages: what services there are, and their proto files, so that a client such as grpcurl needs
 * none. Source: grpc/doc/server-reflection.md.
 */
import type { ProtoFile } from '@spoor/otlp'
import { GRPC } from '../component/index.ts'
import type { StreamHandler } from './grpc-stream.ts'
import { readMessageFields, writeMessage, type FieldValue } from './proto.ts'

/** Fields of a request: what is asked for. */
const FILE_BY_NAME = 3
const FILE_CONTAINING_SYMBOL = 4
const LIST_SERVICES = 7
/** Fields of a response. */
const ORIGINAL_REQUEST = 2
const FILES = 4
const SERVICES = 6
const ERROR = 7

/** The handlers of its methods, by path. `services`: full names. `files`: made when somebody asks. */
export function reflectionHandlers(
  services: readonly string[],
  files: () => readonly ProtoFile[],
): ReadonlyMap<string, StreamHandler> {
  let made: readonly ProtoFile[] | undefined
  /** The file, behind all that it imports. */
  const withImports = (file: ProtoFile, all: readonly ProtoFile[]): readonly ProtoFile[] => {
    const imports = file.imports.flatMap((name) => all.filter((other) => other.name === name))
    return [...new Set([...imports.flatMap((each) => withImports(each, all)), file])]
  }
  const answerTo = (request: Buffer): Record<number, FieldValue> => {
    const fields = readMessageFields(request)
    if (fields.has(LIST_SERVICES))
      return { [SERVICES]: writeMessage({ 1: services.map((name) => writeMessage({ 1: name })) }) }
    const all = (made ??= files())
    const [name, symbol] = [fields.get(FILE_BY_NAME), fields.get(FILE_CONTAINING_SYMBOL)].map((each) =>
      each?.toString(),
    )
    const found = all.find((file) => (name === undefined ? file.symbols.includes(symbol ?? '') : file.name === name))
    if (found) return { [FILES]: writeMessage({ 1: withImports(found, all).map(({ descriptor }) => descriptor) }) }
    const isKnown = name !== undefined || symbol !== undefined
    const code = isKnown ? GRPC.NOT_FOUND : GRPC.UNIMPLEMENTED
    return {
      [ERROR]: writeMessage({ 1: code, 2: isKnown ? `not found: ${name ?? symbol}` : 'there are no extensions' }),
    }
  }
  const handler: StreamHandler = (answer) => ({
    message: (bytes) => answer.send(writeMessage({ [ORIGINAL_REQUEST]: bytes, ...answerTo(bytes) })),
    end: () => answer.end(),
  })
  return new Map(
    ['v1', 'v1alpha'].map((version) => [`/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`, handler]),
  )
}
