/**
 * Ends this process now, whatever its threads do. Does not return.
 *
 * `process.exit` waits for every worker thread, also for one that is blocked in a system call (a disk that does not
 * answer), and so may never return. Becoming another program is what takes all threads away and still chooses the exit
 * code, and it works for the first process of a container too, whom no signal of its own ends. Where that cannot be
 * done the process kills itself: by SIGKILL, and as the first process of a container by SIGABRT.
 *
 * `code`: 0-255. Source: execve(2), pid_namespaces(7).
 */
export function endProcess(code: number): never {
  try {
    process.execve?.(process.execPath, [process.execPath, '-e', `process.exit(${code})`], {})
  } catch {
    // Not on this system: the next way.
  }
  process.kill(process.pid, 'SIGKILL')
  process.abort()
}
