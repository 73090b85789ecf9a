// Logical CSS only, so that the page mirrors as a whole; text only as text; nothing from another host.

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
function files(folder: string, ending: RegExp): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? files(join(folder, entry.name), ending) : ending.test(entry.name) ? [join(folder, entry.name)] : [])
}
const read = (path: string): string => readFileSync(path, 'utf8')

const PHYSICAL = new RegExp(
  [
    String.raw`(?<![\w-])(?:margin|padding|border|scroll-margin|scroll-padding)-(?:left|right|top|bottom)\b`,
    String.raw`(?<![\w-])(?:left|right|top|bottom|width|height|min-width|max-width|min-height|max-height)\s*:`,
    String.raw`text-align\s*:\s*(?:left|right)`,
    String.raw`float\s*:\s*(?:left|right)`,
    String.raw`border-(?:top|bottom)-(?:left|right)-radius`,
    String.raw`overflow-(?:x|y)-never`,
  ].join('|'),
)

function rules(path: string): string[] {
  const text = read(path)
  const css = path.endsWith('.css') ? text : [...text.matchAll(/<style>([\s\S]*?)<\/style>/g)].map((match) => match[1]).join('\n')
  return css
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .split('\n')
    .filter((line) => !line.trim().startsWith('@media') && PHYSICAL.test(line))
}

it('finds physical properties where there are any', () => {
  for (const bad of ['margin-left: 1px', '  left: 0', 'text-align: right', 'width: 3px', 'border-top-left-radius: 2px']) expect(PHYSICAL.test(bad), bad).toBe(true)
  for (const good of ['margin-inline-start: 1px', 'inset-inline: 0', 'text-align: end', 'inline-size: 3px', 'line-height: 2', 'border-inline-width: 1px']) expect(PHYSICAL.test(good), good).toBe(false)
})

it('uses logical properties only', () => {
  const found = files(join(root, 'src'), /\.(svelte|css)$/).flatMap((path) => rules(path).map((line) => `${relative(root, path)}: ${line.trim()}`))
  expect(found).toEqual([])
})

it('puts text into the page as text, and no style into attributes', () => {
  for (const path of files(join(root, 'src'), /\.(svelte|ts)$/)) {
    expect(read(path), path).not.toMatch(/\{@html|innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/)
    expect(read(path), path).not.toMatch(/\sstyle="/)
  }
})

it('names no other host', () => {
  for (const path of [...files(join(root, 'src'), /\.(svelte|ts|css)$/), join(root, 'index.html')]) {
    expect(read(path).replaceAll('http://www.w3.org/2000/svg', ''), path).not.toMatch(/https?:\/\//)
  }
})
