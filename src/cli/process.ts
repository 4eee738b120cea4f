import { availableParallelism, cpus, release, totalmem, type } from 'node:os';

import { run } from './main.js';
import { canMove } from './terminal.js';

/** Runs the command line of the real process and leaves its exit code there. */
export async function runProcess(): Promise<void> {
  // `tdc inspect | head` closes the pipe early: that is not a failure of tdc.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  process.exitCode = await run({
    argv: process.argv.slice(2),
    cwd: process.cwd(),
    env: process.env,
    stdout: process.stdout,
    stderr: process.stderr,
    now: () => performance.now(),
    date: () => new Date(),
    machine: () => ({
      os: `${type()} ${release()}`,
      cpu: cpus()[0]?.model ?? process.arch,
      cores: availableParallelism(),
      memoryBytes: totalmem(),
    }),
    versions: { node: process.versions.node },
    ...(canMove(process.stderr, process.env) ? { terminal: process.stderr } : {}),
    onInterrupt: (listener) => {
      // Once: a second interrupt meets no listener and ends the process.
      process.once('SIGINT', listener);
      return () => {
        process.off('SIGINT', listener);
      };
    },
    loadPipeline: () => import('../pipeline/index.js'),
    loadDoctor: () => import('../backend/doctor/diagnose.js'),
  });
}
