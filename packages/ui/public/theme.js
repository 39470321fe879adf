// Sets the remembered theme before the first paint. A file of its own, not inline, so that a strict content security policy lets it run.
try {
  const theme = JSON.parse(localStorage.getItem('spoor.settings') ?? '{}').state?.theme
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage is closed to us: the system's theme it is.
}
