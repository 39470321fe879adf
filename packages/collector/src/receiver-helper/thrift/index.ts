export { BinaryReader } from './binary.ts'
export { CompactReader } from './compact.ts'
export { TYPES, type ThriftReader } from './reader.ts'
