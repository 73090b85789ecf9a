// Says acts on threads with a real browser, one party at a time: `node e2e/acts.mjs OUT_DIR [CHROMIUM] < plan.json`.
// The plan is a list of {base, token, lang, thread, act, role, fields, last}: on that party's page the thread is opened, the
// button of the act pressed, its fields filled in the order they stand (`last`: the last one alone), and the form sent. Exit status 1 at the first
// act that is not taken; then the page as it was is in OUT_DIR.

import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const [out, browserPath = '/usr/bin/chromium'] = process.argv.slice(2)
if (!out) {
  process.stderr.write('usage: acts.mjs OUT_DIR [CHROMIUM] < plan.json\n')
  process.exit(2)
}
const plan = JSON.parse(await readFile('/dev/stdin', 'utf8'))
const WAIT_MS = 20_000
await mkdir(out, { recursive: true })
const browser = await chromium.launch({
  executablePath: browserPath,
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
})
const pages = new Map()

async function phrases({ base, token, lang }) {
  const response = await fetch(`${base}/api/phrases/${lang}`, { headers: { authorization: `Bearer ${token}` } })
  return response.json()
}

/** A party's own browser, kept open from act to act: what the other party says must reach it by itself. */
async function pageOf({ base, token, lang }) {
  if (pages.has(base)) return pages.get(base)
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 }, reducedMotion: 'reduce' })
  await context.addInitScript((chosen) => localStorage.setItem('keepclear.lang', chosen), lang)
  const page = await context.newPage()
  page.setDefaultTimeout(WAIT_MS)
  const faults = []
  page.on('pageerror', (error) => faults.push(error.message))
  await page.goto(`${base}#token=${token}`)
  await page.waitForSelector('main')
  pages.set(base, { page, faults })
  return pages.get(base)
}

let failed = null
for (const [number, step] of plan.entries()) {
  const { page, faults } = await pageOf(step)
  try {
    const words = await phrases(step)
    await page.evaluate((hash) => { location.hash = hash }, `#/threads/${step.thread}`)
    await page.getByRole('button', { name: words[`console.do.${step.act}`], exact: true }).click()
    await page.waitForSelector('dialog form')
    await page.locator('#act-role').fill(step.role)
    const inputs = page.locator('dialog .field :is(input[type=text]:not(.lang), textarea, select)')
    for (const [index, text] of (step.fields ?? []).entries()) {
      const input = inputs.nth(index)
      if ((await input.evaluate((element) => element.tagName)) === 'SELECT') await input.selectOption(text)
      else await input.fill(text)
    }
    if (step.last) await inputs.last().fill(step.last)
    await page.screenshot({ path: join(out, `${number}-${step.act}.png`) })
    await page.locator('dialog button[type=submit]').click()
    await page.waitForSelector('dialog', { state: 'detached' })
    if (faults.length > 0) throw new Error(faults.join('; '))
  } catch (error) {
    failed = `${number} ${step.act}: ${String(error.message)}`
    await page.screenshot({ path: join(out, 'failed.png') })
    process.stderr.write(`${failed}\n${await page.locator('dialog [role=alert], dialog .problem').allInnerTexts()}\n`)
    break
  }
}
await browser.close()
process.stdout.write(failed ? `acts: failed at ${failed}\n` : `acts: taken: ${plan.length}\n`)
process.exit(failed ? 1 : 0)
