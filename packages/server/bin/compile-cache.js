import module from 'node:module'

/**
 * Has V8 keep what it compiles in Node's cache (a folder of this user in the temporary directory, unless NODE_COMPILE_CACHE names one, nothing where NODE_DISABLE_COMPILE_CACHE
 * is set), for the next start: compiling is a fifth of one (docs/adr/0020-bundle.md). Threads go by the environment; programs that are started from here would, too, so it is set where none is.
 */
export function cacheCompiled(startsThreads) {
  // Not in all versions of Node that come as far as to be told that they are too old.
  const result = module.enableCompileCache?.()
  if (startsThreads && result?.status === module.constants.compileCacheStatus.ENABLED)
    process.env.NODE_COMPILE_CACHE ??= result.directory
}
