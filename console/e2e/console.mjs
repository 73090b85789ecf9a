// Looks at the whole console with a real browser: `node e2e/console.mjs BASE_URL TOKEN OUT_DIR [CHROMIUM]`.
// Every area, in both languages, on a phone and on a desk: no errors, no breach of the content security policy, no
// request to another host, right direction, no raw phrase keys, no serious accessibility faults; and by keyboard alone
// a thread is opened and a line check is sent. Writes pictures and report.json to OUT_DIR; exit status 1 on any fault.

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [base, token, out, browserPath = '/usr/bin/chromium'] = process.argv.slice(2)
if (!base || !token || !out) {
  process.stderr.write('usage: console.mjs BASE_URL TOKEN OUT_DIR [CHROMIUM]\n')
  process.exit(2)
}
const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const origin = new URL(base).origin
const faults = []
const fault = (where, what) => faults.push({ where, what })
const SIZES = { phone: { width: 390, height: 844 }, desk: { width: 1440, height: 900 } }
const AREAS = ['map', 'threads', 'timeline', 'statements']
const MAP_WAIT_MS = 45_000

await mkdir(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: browserPath,
  args: [
    '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
    '--disable-component-update', '--disable-sync', '--use-angle=swiftshader', '--enable-unsafe-swiftshader',
  ],
})

async function ask(path) {
  const response = await fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${token}` } })
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return response.json()
}

async function newPage(lang, size, scheme = 'dark') {
  const context = await browser.newContext({ viewport: SIZES[size], colorScheme: scheme, reducedMotion: 'reduce', timezoneId: 'Asia/Damascus', locale: 'en-GB' })
  await context.addInitScript((chosen) => {
    // Remembered once, so that the switch on the page still works after.
    if (!localStorage.getItem('keepclear.lang')) localStorage.setItem('keepclear.lang', chosen)
    window.breaches = []
    document.addEventListener('securitypolicyviolation', (event) => window.breaches.push(`${event.violatedDirective} ${event.blockedURI}`))
  }, lang)
  const page = await context.newPage()
  const where = () => `${lang} ${size} ${page.url().split('#')[1] ?? ''}`
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type()) && !/GPU stall|GL Driver Message/.test(message.text())) fault(where(), `console ${message.type()}: ${message.text()}`)
  })
  page.on('pageerror', (error) => fault(where(), `page error: ${error.message}`))
  page.on('dialog', (dialog) => { fault(where(), `dialog: ${dialog.message()}`); void dialog.dismiss() })
  page.on('request', (request) => { if (!request.url().startsWith(origin) && !/^(data|blob):/.test(request.url())) fault(where(), `request to another host: ${request.url()}`) })
  await page.goto(`${base}#token=${token}`)
  await page.waitForSelector('main')
  return { page, context, where }
}

async function look(page, where, keys, lang) {
  const seen = await page.evaluate((known) => {
    const texts = []
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    while (walker.nextNode()) if (!walker.currentNode.parentElement?.closest('script, style')) texts.push(walker.currentNode.data)
    for (const element of document.querySelectorAll('[aria-label], [title], [placeholder]')) {
      for (const name of ['aria-label', 'title', 'placeholder']) if (element.hasAttribute(name)) texts.push(element.getAttribute(name))
    }
    const words = new Set(texts.flatMap((text) => text.match(/[a-z0-9_]+(?:\.[a-z0-9_]+)+/g) ?? []))
    return {
      dir: document.body.dir, lang: document.documentElement.lang, title: location.hash,
      raw: known.filter((key) => words.has(key)), open: texts.filter((text) => /\{[a-z_]+\}|undefined|\[object|NaN/.test(text)),
      wide: document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
      breaches: window.breaches, token: location.href.includes('token='),
    }
  }, keys)
  if (seen.dir !== (lang === 'ar' ? 'rtl' : 'ltr')) fault(where, `dir is ${seen.dir}`)
  if (seen.lang !== lang) fault(where, `lang is ${seen.lang}`)
  for (const key of seen.raw) fault(where, `raw key: ${key}`)
  for (const text of seen.open) fault(where, `unfinished text: ${text}`)
  for (const breach of seen.breaches) fault(where, `content security policy: ${breach}`)
  if (seen.wide) fault(where, 'the page is wider than the screen')
  if (seen.token) fault(where, 'the token is still in the address')
  const judged = await page.evaluate(`${axe}; axe.run(document, { resultTypes: ['violations'] })`)
  for (const violation of judged.violations) {
    if (['serious', 'critical'].includes(violation.impact)) fault(where, `axe ${violation.id}: ${violation.nodes.map((node) => node.target.join(' ')).slice(0, 4).join(' | ')}`)
  }
}

const shot = (page, name) => page.screenshot({ path: join(out, `${name}.png`) })
const settled = (page) => page.waitForTimeout(600)

/** Every area; with `whole` also a thread, a form with its faults, and the past. */
async function visit(lang, size, keys, whole) {
  const { page, context, where } = await newPage(lang, size)
  for (const [index, area] of AREAS.entries()) {
    await page.locator('nav a').nth(index).click()
    if (area === 'map') {
      await page.waitForSelector('[data-ready="true"]', { timeout: MAP_WAIT_MS }).catch(() => fault(where(), 'the map was not drawn'))
      await page.waitForTimeout(1500)
    }
    await settled(page)
    await look(page, where(), keys, lang)
    await shot(page, `${area}-${lang}-${size}`)
  }
  if (!whole) return context.close()
  // One thread, with its chain of receipts.
  await page.locator('nav a').nth(1).click()
  const link = page.locator('section.list li a').nth(1)
  if (await link.count()) {
    await link.click()
    await page.waitForSelector('article h1')
    await settled(page)
    await look(page, where(), keys, lang)
    await shot(page, `thread-${lang}-${size}`)
  } else fault(where(), 'no thread in the list')
  // A long form, with its faults.
  await page.keyboard.press('Escape')
  await page.keyboard.press('n')
  await page.waitForSelector('dialog form')
  await page.locator('dialog button[type=submit]').click()
  await page.waitForSelector('dialog [role=alert]')
  await look(page, `${where()} form`, keys, lang)
  await shot(page, `form-${lang}-${size}`)
  await page.keyboard.press('Escape')
  await page.waitForSelector('dialog', { state: 'detached' })
  // The past: half-way along the slider.
  const slider = page.locator('input[type=range]')
  if (await slider.count()) {
    await slider.evaluate((input) => {
      input.value = String((Number(input.min) + Number(input.max)) / 2)
      input.dispatchEvent(new Event('input', { bubbles: true }))
    })
    await page.waitForSelector('.replay', { timeout: 5000 }).catch(() => fault(where(), 'no banner in replay'))
    await settled(page)
    await look(page, `${where()} replay`, keys, lang)
    await shot(page, `replay-${lang}-${size}`)
  } else fault(where(), 'no replay slider')
  await context.close()
}

/** Presses Tab until the focus is on what `test` (run on the page) accepts. */
async function tabTo(page, test, most = 80) {
  for (let pressed = 0; pressed < most; pressed += 1) {
    await page.keyboard.press('Tab')
    if (await page.evaluate(test)) return true
  }
  return false
}

async function byKeyboard(lang) {
  const { page, context, where } = await newPage(lang, 'desk')
  const sizeBefore = (await ask('/api/status')).size
  await page.keyboard.press('2')
  await page.waitForSelector('section.list li a')
  if (!(await tabTo(page, () => Boolean(document.activeElement?.closest('section.list li'))))) fault(where(), 'keyboard: no way to the list')
  const outlined = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle !== 'none')
  if (!outlined) fault(where(), 'keyboard: the focus is not visible')
  await page.keyboard.press('Enter')
  await page.waitForSelector('article h1', { timeout: 5000 }).catch(() => fault(where(), 'keyboard: no thread opened'))
  await page.evaluate(() => document.querySelector('.skip')?.focus())
  if (!(await tabTo(page, () => Boolean(document.activeElement?.closest('header ul li button'))))) fault(where(), 'keyboard: no way to the lines')
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog')
  const words = (await ask(`/api/phrases/${lang}`))['console.do.line_check']
  if (!(await tabTo(page, `document.activeElement?.textContent.trim() === ${JSON.stringify(words)}`))) fault(where(), 'keyboard: no way to the line check')
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog form')
  if (!(await tabTo(page, () => document.activeElement?.id === 'act-role'))) fault(where(), 'keyboard: no way to the role')
  await page.keyboard.press('Control+A')
  await page.keyboard.type('duty officer')
  await tabTo(page, () => document.activeElement?.getAttribute('type') === 'submit')
  await page.keyboard.press('Enter')
  await page.waitForSelector('dialog', { state: 'detached', timeout: 8000 }).catch(() => fault(where(), 'keyboard: the line check was not accepted'))
  await shot(page, `sent-${lang}`)
  const sizeAfter = (await ask('/api/status')).size
  if (sizeAfter <= sizeBefore) fault(where(), 'keyboard: nothing new on record')
  await context.close()
}

try {
  for (const lang of ['en', 'ar']) {
    const catalogue = await ask(`/api/phrases/${lang}`)
    const keys = Object.keys(catalogue).flatMap((key) => [key, key.replace(/^[a-z]+\./, '')]).filter((key) => key.includes('.'))
    for (const size of Object.keys(SIZES)) await visit(lang, size, keys, (lang === 'en') === (size === 'desk'))
    await byKeyboard(lang)
  }
  const { page, context } = await newPage('en', 'desk', 'light')
  await page.locator('nav a').nth(1).click()
  await settled(page)
  await look(page, 'en desk light', [], 'en')
  await shot(page, 'threads-en-light')
  await page.locator('nav a').nth(0).click()
  await page.waitForSelector('[data-ready="true"]', { timeout: MAP_WAIT_MS })
  await page.waitForTimeout(2500)
  await shot(page, 'map-en-light')
  await context.close()
} catch (error) {
  fault('the check itself', String(error.stack ?? error))
} finally {
  await browser.close()
}

await writeFile(join(out, 'report.json'), `${JSON.stringify({ faults }, null, 2)}\n`)
for (const { where, what } of faults) process.stderr.write(`${where}: ${what}\n`)
process.stdout.write(faults.length === 0 ? 'console: no faults\n' : `console: faults: ${faults.length}\n`)
process.exit(faults.length === 0 ? 0 : 1)
