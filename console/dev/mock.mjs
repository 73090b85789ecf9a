// A stand-in for a node, for working on the page and for its browser check: it serves the built page under the same
// content security policy, and the API with fixtures. `node dev/mock.mjs [port]`; the token is "mock".

import { createServer } from 'node:http'
import { readFile } from 'node:fs/promises'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { extname, join, normalize } from 'node:path'
import { acts, lines, NOW, parties, picture, statements, threads } from './fixtures.mjs'

const DIST = fileURLToPath(new URL('../../src/keepclear/console_dist/', import.meta.url))
const PHRASES = fileURLToPath(new URL('../../src/keepclear/phrases/', import.meta.url))
const TOKEN = 'mock'
const TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.mjs': 'text/javascript', '.css': 'text/css', '.json': 'application/json', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const CSP = "default-src 'self'; worker-src 'self'"
const started = Date.now()
const listeners = new Set()

const now = () => new Date(Date.parse(NOW) + (Date.now() - started)).toISOString()
const until = (rows, at, key) => (at ? rows.filter((row) => Date.parse(row[key]) <= Date.parse(at)) : rows)

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

function record(party, line, said) {
  const at = now()
  const view = { id: createHash('sha256').update(JSON.stringify(said) + at).digest('hex'), index: acts.length, recorded_at: at, said_at: at, line, author: party, said, thread: said.act.re ?? null, without_effect: null }
  acts.push(view)
  threads.find((thread) => thread.id === said.act.re)?.acts.push(view)
  for (const send of listeners) send(view)
  return { act_id: view.id, index: view.index, recorded_at: at, leaf_hash: view.id, checkpoint: '' }
}

async function readBody(request) {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString('utf8'))
}

async function phrases(lang) {
  const out = {}
  const { readdir } = await import('node:fs/promises')
  for (const file of (await readdir(join(PHRASES, lang))).filter((one) => one.endsWith('.json'))) {
    for (const [key, text] of Object.entries(JSON.parse(await readFile(join(PHRASES, lang, file), 'utf8')))) out[`${file.slice(0, -5)}.${key}`] = text
  }
  return out
}

async function apiAnswer(request, response, url) {
  if (request.headers.authorization !== `Bearer ${TOKEN}`) return json(response, 401, { error: { code: 'unauthorised', field: '', message: 'token needed', values: {} } })
  const at = url.searchParams.get('at')
  const path = url.pathname
  if (path === '/api/status') return json(response, 200, { node: 'coalition.node', parties, lines, peers: [{ node: 'russia.node', address: 'https://127.0.0.1:9', waiting: 2, reached_at: NOW, unreachable_since: NOW, why: null }], size: acts.length, checkpoint: '', now: now(), story: { name: { en: 'Convoy 2017', ar: 'قافلة 2017' } } })
  if (path.startsWith('/api/phrases/')) return json(response, 200, await phrases(path.endsWith('ar') ? 'ar' : 'en'))
  if (path === '/api/threads') return json(response, 200, until(threads, at, 'recorded_at').map((thread) => ({ ...thread, acts: [] })))
  if (path.endsWith('/residual')) {
    const items = threads.find((thread) => thread.kind === 'clear_request').acts.find((act) => act.said.act.act === 'done').said.act.residual
    return json(response, 200, { thread: path.split('/')[3], t0: '2017-09-08T06:30:00Z', residual: items.map((item) => ({ ...item, evidence: [acts[0].id], synthetic: true })), evidence: [acts[0].id] })
  }
  if (path.startsWith('/api/threads/')) {
    const found = until(threads, at, 'recorded_at').find((thread) => thread.id === path.slice('/api/threads/'.length))
    return found ? json(response, 200, { ...found, acts: until(found.acts, at, 'recorded_at') }) : json(response, 404, { error: { code: 'unknown_thread', field: 'id', message: 'no such thread', values: {} } })
  }
  if (path === '/api/picture') return json(response, 200, { ...picture, at: at ?? now(), party: url.searchParams.get('party'), size: until(acts, at, 'recorded_at').length, assets: until(picture.assets, at, 'at') })
  if (path === '/api/lines') return json(response, 200, lines)
  if (path === '/api/statements') return json(response, 200, at && Date.parse(at) < Date.parse('2017-09-08T09:00:00Z') ? [] : statements)
  if (path === '/api/timeline') {
    const after = Number(url.searchParams.get('after') ?? -1)
    const rows = until(acts, url.searchParams.get('to'), 'recorded_at').filter((act) => act.index > after)
    return json(response, 200, rows.slice(0, Number(url.searchParams.get('limit') ?? 100)))
  }
  if (path === '/api/name') return json(response, 200, { grid: '37SEU366453', nearest: { en: 'Sukhna', ar: 'السخنة' }, bearing_deg: 107.2, distance_m: 50600 })
  if (path === '/api/acts' && request.method === 'POST') {
    const { party, line, said } = await readBody(request)
    if (said.act.act === 'read_back' && said.act.grid !== '37SDU882603') return json(response, 422, { error: { code: 'malformed', field: 'said.act.grid', message: 'not a grid this node can read', values: {} } })
    return json(response, 200, record(party, line, said))
  }
  if (path === '/api/events') {
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    const send = (view) => response.write(`id: ${view.index}\ndata: ${JSON.stringify(view)}\n\n`)
    for (const view of acts) if (view.index > Number(request.headers['last-event-id'] ?? Infinity)) send(view)
    response.write(': hello\n\n')
    listeners.add(send)
    return request.on('close', () => listeners.delete(send))
  }
  return json(response, 404, { error: { code: 'not_found', field: '', message: 'no such page', values: {} } })
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, 'http://127.0.0.1')
  try {
    if (url.pathname.startsWith('/api/')) return await apiAnswer(request, response, url)
    const file = normalize(url.pathname === '/' ? '/index.html' : url.pathname)
    const body = await readFile(join(DIST, file))
    response.writeHead(200, { 'content-type': TYPES[extname(file)] ?? 'application/octet-stream', 'content-security-policy': CSP, 'x-content-type-options': 'nosniff' })
    response.end(body)
  } catch (error) {
    json(response, error.code === 'ENOENT' ? 404 : 500, { error: { code: 'not_found', field: '', message: String(error.message), values: {} } })
  }
})

server.listen(Number(process.argv[2] ?? 8479), '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/#token=${TOKEN}\n`)
})
