// What has to happen before the page's own code is there. A file of its own, not inline, so that a strict content security policy lets it run.

// Sets the remembered theme before the first paint.
try {
  const theme = JSON.parse(localStorage.getItem('spoor.settings') ?? '{}').state?.theme
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
} catch {
  // Storage is closed to us: the system's theme it is.
}

// Says so when that code does not come, or does not start: nothing else can, and the window would stay blank.
addEventListener(
  'error',
  (event) => {
    const root = document.getElementById('root')
    const isCode = event.target === window || event.target instanceof HTMLScriptElement
    if (!isCode || !root || root.childElementCount > 0) return
    const notice = document.createElement('section')
    notice.setAttribute('role', 'alert')
    notice.style.cssText = 'max-width:40em;margin:64px auto;padding:0 24px;font:13px/20px system-ui,sans-serif'
    const title = document.createElement('h2')
    title.textContent = 'The page could not be loaded'
    title.style.fontWeight = '600'
    const text = document.createElement('p')
    text.textContent = event.message
      ? `It came upon an error as it started: ${event.message}`
      : `A part of its code did not come. Is Spoor still running at ${location.origin}?`
    const again = document.createElement('button')
    again.textContent = 'Try again'
    again.style.cssText = 'text-decoration:underline;cursor:pointer'
    again.addEventListener('click', () => location.reload())
    notice.append(title, text, again)
    root.append(notice)
  },
  true,
)
