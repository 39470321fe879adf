/** The page of a running world: its services and links, and a switch for each fault at each place. No script of others. */
export const controlPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>The world</title>
<style>
  :root { color-scheme: light dark; font: 15px/1.45 system-ui, sans-serif }
  body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 1.6rem 0 .4rem }
  ul { list-style: none; padding: 0; margin: 0; display: flex; flex-wrap: wrap; gap: .4rem }
  li { border: 1px solid #8886; border-radius: .4rem; padding: .2rem .6rem }
  .off { opacity: .55; text-decoration: line-through }
  table { border-collapse: collapse; width: 100% }
  td { border-top: 1px solid #8883; padding: .45rem .6rem .45rem 0; vertical-align: top }
  td small { display: block; opacity: .75 }
  input { width: 5.5rem } button[aria-pressed=true] { background: #c33; color: #fff; border-color: #c33 }
  output { color: #c33; min-height: 1.4em; display: block }
</style>
<h1>The world <small><a id="page">its traces</a></small></h1>
<output id="error" role="alert"></output>
<h2>Services</h2><ul id="services"></ul>
<h2>Links</h2><ul id="links"></ul>
<h2>Faults <button id="clear">Switch all off</button></h2>
<table><tbody id="faults"></tbody></table>
<script type="module">
const by = (id) => document.getElementById(id)
const make = (tag, text = '', more = {}) => Object.assign(document.createElement(tag), { textContent: text }, more)
async function ask(method, path, body) {
  const response = await fetch(path, { method, ...(body && { body: JSON.stringify(body) }) })
  const answer = await response.json()
  by('error').textContent = response.ok ? '' : answer.error
  await show()
}
let drawn = ''
async function show() {
  let world
  try { world = await (await fetch('/world')).json() }
  catch { by('error').textContent = 'The world does not answer: it has ended.'; return }
  by('page').href = world.page
  by('services').replaceChildren(...world.services.map(({ name, site, running }) =>
    make('li', site ? name + ' · ' + site : name, { className: running ? '' : 'off' })))
  by('links').replaceChildren(...(world.links.length
    ? world.links.map(({ name, up, text }) => make('li', name + ' · ' + text, { className: up ? '' : 'off' }))
    : [make('li', 'none: start the world with --world')]))
  const state = JSON.stringify([world.on, world.faults.map(({ at }) => at)])
  if (state === drawn) return
  drawn = state
  by('faults').replaceChildren(...world.faults.filter(({ at }) => at.length > 0).map((fault) => row(fault, world.on)))
}
function row({ name, what, parameters, at }, on) {
  const line = make('tr')
  const about = make('td', name.replaceAll('_', ' '))
  about.append(make('small', what))
  const inputs = Object.entries(parameters).map(([key, { default: usual, min, max, what }]) => {
    const set = on.find(({ fault }) => fault === name)
    const label = make('label', '')
    label.append(make('input', '', { type: 'number', name: key, value: set?.parameters[key] ?? usual, min, max }), ' ' + what + ' ')
    return label
  })
  const told = make('td')
  told.append(...inputs)
  const switches = make('td')
  for (const place of at) {
    const isOn = on.some((one) => one.fault === name && one.at === place)
    const button = make('button', place)
    button.setAttribute('aria-pressed', String(isOn))
    button.setAttribute('aria-label', name + ' at ' + place)
    button.onclick = () => ask(isOn ? 'DELETE' : 'PUT', '/faults/' + name + '/' + encodeURIComponent(place),
      isOn ? undefined : Object.fromEntries(inputs.map((label) => [label.firstChild.name, label.firstChild.valueAsNumber])))
    switches.append(button, ' ')
  }
  line.append(about, told, switches)
  return line
}
by('clear').onclick = () => ask('DELETE', '/faults')
await show()
setInterval(show, 2000)
</script>
</html>
`
