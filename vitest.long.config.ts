import { defineConfig } from 'vitest/config';

/** The slower proofs: `npm run test:long`, at most 15 minutes on two cores. */
export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    setupFiles: ['test/setup.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
