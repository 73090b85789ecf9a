import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vitest/config'
import { basemap } from './build/basemap.ts'

const node = process.env['KEEPCLEAR_NODE'] ?? 'http://127.0.0.1:8470'

export default defineConfig({
  base: './',
  plugins: [svelte({ configFile: false }), basemap()],
  build: {
    outDir: '../src/keepclear/console_dist',
    emptyOutDir: true,
    target: 'es2022',
    assetsInlineLimit: 0, // a data: address would need a hole in the content security policy
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { pluginTimings: false } },
  },
  server: { proxy: { '/api': node } },
  test: { include: ['test/**/*.test.ts'], environment: 'node' },
})
