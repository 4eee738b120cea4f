import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { describe, expect, it } from 'vitest';

import { runCompress, runRecommend, type RunEvent } from '../../src/pipeline/index.js';
import type { CompressRecord, PlanRecord } from '../../src/records/types.js';
import { tdc } from '../cli/world.js';
import { contextOf, FIXTURES, testFolder, twoOfEight } from './plan-cases.js';

const folder = testFolder();
const loadPipeline = () => import('../../src/pipeline/index.js');
/** The least narrowing of this model's units costs 0.025 nats, bound 0.037; its loss is 0.48. */
const UNITS = ['--no-retrain', '--mode', 'unit', '--backend', 'cpu'];
const at = join(FIXTURES, 'width-2-of-8');

const call = (command: string, out: string, ...more: readonly string[]) =>
  tdc([command, at, '--data', join(at, 'data.npz'), '--out', out, ...UNITS, ...more], { cwd: folder, loadPipeline });
const readPlan = (out: string): PlanRecord =>
  JSON.parse(readFileSync(join(folder, out, 'plan.json'), 'utf8')) as PlanRecord;

describe('tdc recommend', () => {
  it('ends with 5 where nothing narrower holds, with the plan written and printed', async () => {
    const { code, stdout, stderr } = await call('recommend', 'none', '--budget', '0.01', '--json');
    expect(code).toBe(5);
    const plan = JSON.parse(stdout) as PlanRecord;
    expect(plan).toMatchObject({ schema: 'tdc/plan', feasible: false, verdict: 'broken', stopped: { group: 'wide' } });
    expect(readPlan('none')).toEqual(plan);
    expect(stderr).toMatch(/gate .*no narrower plan holds the budget/);
  });

  it('needs no more than the budget that it says would do', async () => {
    const { stopped } = readPlan('none');
    const { code, stdout } = await call('recommend', 'none', '--budget', `abs:${stopped!.budget * 1.0001}`, '--json');
    expect([code, (JSON.parse(stdout) as PlanRecord).verdict]).toEqual([0, 'holds']);
  });

  it('fails the gate for a plan that is not resolved only where --strict asks for one that holds', async () => {
    // one plan, and a budget between its rise and its bound, near enough to the latter for the report not to contradict
    await call('recommend', 'open', '--pin', 'wide=6', '--budget', 'abs:1');
    const { planned: known } = readPlan('open');
    const between = ['--pin', 'wide=6', '--budget', `abs:${0.05 * known.delta + 0.95 * known.upper95}`];
    const lax = await call('recommend', 'open', ...between);
    expect(lax.code).toBe(0);
    const { verdict, examplesNeeded, rows, planned, budget } = readPlan('open');
    expect(verdict).toBe('not resolved');
    expect(planned.delta).toBeLessThanOrEqual(budget.allowed);
    // as many more rows as bring the bound down by the square root of their number
    const needed = rows.bounding * ((planned.upper95 - planned.delta) / (budget.allowed - planned.delta)) ** 2;
    expect(examplesNeeded! / needed).toBeGreaterThanOrEqual(1);
    expect(examplesNeeded! / needed).toBeLessThan(1.1);
    const strict = await call('recommend', 'open', ...between, '--strict');
    expect(strict.code).toBe(5);
    expect(strict.stderr).toMatch(/--strict wants one that holds/);
  });

  it('plans the original itself where everything is pinned whole, and says that nothing is saved', async () => {
    const { code, stdout } = await call('recommend', 'pinned', '--pin', 'wide=8', '--json');
    const plan = JSON.parse(stdout) as PlanRecord;
    expect([code, plan.verdict, plan.feasible]).toEqual([5, 'holds', false]);
    expect(plan.planned.delta).toBe(0);
    const compressed = await call('compress', 'pinned');
    expect(compressed.code).toBe(5);
    expect(compressed.stderr).toMatch(/keeps every layer whole/);
  });

  it.each([
    { args: ['--bases', 'qr'], says: /no basis "qr"/ },
    { args: ['--bases', 'tail-rank'], says: /tail-rank/ },
    { args: ['--min', 'narrow=2'], says: /no width group "narrow"/ },
    { args: ['--pin', 'narrow=2'], says: /no width group "narrow"/ },
    { args: ['--pin', 'wide=9'], says: /from 1 to 8, got 9/ },
    { args: ['--pin', 'wide=0'], says: /widths of groups, such as dense_1=8, received 0/ },
    { args: ['--pin', 'wide=2', '--min', 'wide=3'], says: /below its least width of 3/ },
    { args: ['--pin', 'wide=2', '--mode', 'rank'], says: /cannot be pinned/ },
    { args: ['--round-to', '0'], says: /round/i },
    { args: ['--budget', 'much'], says: /budget must be a number above 0/ },
    { args: ['--budget', '-1'], says: /budget/ },
    { args: ['--budget', 'abs:1%'], says: /not a percentage/ },
    { args: ['--confidence', '1.5'], says: /confidence/ },
    { args: ['--tune', '-1'], says: /tune/ },
    { args: ['--tune', '1.5'], says: /tune/ },
    { args: ['--minimize', 'weight'], says: /minimize/ },
    { args: ['--baseline', 'nowhere'], says: /neither a plan.json nor a folder with one/ },
    { args: ['--target', 'self', '--budget', '0.01'], says: /relative budget needs a loss above 0/ },
  ])('refuses $args with one sentence before anything is trained', async ({ args, says }) => {
    // the folder holds nothing that was trained or measured, so nothing was
    const flags = ['--data', join(at, 'data.npz'), '--out', 'refused', '--backend', 'cpu', '--epochs', '1', ...args];
    const { code, stdout, stderr } = await tdc(['recommend', at, ...flags, '--json'], { cwd: folder, loadPipeline });
    expect(code).toBe(2);
    const { error } = JSON.parse(stdout) as { error: { code: string; message: string } };
    expect(error.code).toBe('usage');
    expect(error.message).toMatch(says);
    expect(stderr).not.toMatch(/at .*\.ts/);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  it.each([{ split: '60/0/40' }, { split: '99.8/0.1/0.1' }])('refuses a cut of $split', async ({ split }) => {
    const { code } = await call('recommend', 'refused', '--split', split);
    expect([2, 3]).toContain(code);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });
});

describe('tdc compress', () => {
  it('ends with 5 and writes nothing where the plan does not hold', async () => {
    await call('recommend', 'none', '--budget', '0.01');
    const { code, stdout } = await call('compress', 'none', '--json');
    expect(code).toBe(5);
    const { error } = JSON.parse(stdout) as { error: { code: string; hint: string } };
    expect(error.code).toBe('gate');
    expect(readdirSync(join(folder, 'none'))).not.toContain('compressed');
    expect(readdirSync(join(folder, 'none'))).not.toContain('compress.json');
    const enough = /--budget, such as (\S+)\.$/u.exec(error.hint)![1];
    expect((await call('compress', 'none', '--budget', enough)).code).toBe(0);
  });

  it('makes the plan that it has not got, and takes the one that stands there', async () => {
    const first = await call('compress', 'made', '--budget', 'abs:0.2', '--json');
    expect(first.code).toBe(0);
    const record = JSON.parse(first.stdout) as CompressRecord;
    expect(record.plan).toBe(readPlan('made').inputs);
    expect(record.compressed.parameters).toBe(readPlan('made').planned.parameters);
    // other options than the plan's, and no budget: the plan stays
    const second = await call('compress', 'made', '--round-to', '4', '--json');
    expect(JSON.parse(second.stdout)).toEqual(record);
  });
});

/** Aborts at the first progress of a stage after `skip` others. */
async function stopped(stage: string, skip: number, out: string): Promise<void> {
  const stop = new AbortController();
  let seen = 0;
  const context = contextOf(folder, [], {
    signal: stop.signal,
    onEvent: (event: RunEvent) => {
      if (event.type === 'progress' && event.stage === stage && seen++ === skip) stop.abort();
    },
  });
  const options = twoOfEight({ epochs: 2, tune: 2, budget: 'explained:0.1', mode: 'unit', out });
  await expect(runRecommend(options, context)).rejects.toThrow('aborted');
}

describe('a plan that is interrupted', () => {
  const options = twoOfEight({ epochs: 2, tune: 2, budget: 'explained:0.1', mode: 'unit' });

  it.each([
    { stage: 'candidates', skip: 1, finished: ['retrain', 'sweep'] },
    { stage: 'recommend', skip: 2, finished: ['retrain', 'sweep', 'candidates'] },
    { stage: 'recommend', skip: 5, finished: ['retrain', 'sweep', 'candidates'] },
  ])('in $stage keeps what is finished and goes on from there to the same plan', async ({ stage, skip, finished }) => {
    rmSync(join(folder, 'stopped'), { recursive: true, force: true });
    await stopped(stage, skip, join(folder, 'stopped'));
    expect(readdirSync(join(folder, 'stopped'))).not.toContain('plan.json');
    expect(readdirSync(join(folder, 'stopped'))).not.toContain('tuned');
    const { run, plan } = await runRecommend({ ...options, out: join(folder, 'stopped') }, contextOf(folder));
    expect(run.stages.filter(({ reused }) => reused).map(({ name }) => name)).toEqual(finished);
    const { plan: whole } = await runRecommend({ ...options, out: join(folder, 'through') }, contextOf(folder));
    expect(plan).toEqual(whole);
  });

  it('in compress leaves nothing of it, and the next call goes on', async () => {
    const out = join(folder, 'through');
    const stop = new AbortController();
    const onEvent = (event: RunEvent): void => {
      if (event.type === 'start' && event.stage === 'compress') stop.abort();
    };
    const attempt = runCompress({ ...options, out }, contextOf(folder, [], { signal: stop.signal, onEvent }));
    await expect(attempt).rejects.toThrow('aborted');
    expect(readdirSync(out)).not.toContain('compress.json');
    expect(readdirSync(out)).not.toContain('compressed');
    expect(readdirSync(out).filter((name) => name.startsWith('.'))).toEqual([]);
    const { compress } = await runCompress({ ...options, out }, contextOf(folder));
    expect(compress!.parity.maxAbsDifference).toBeLessThanOrEqual(1e-5 * compress!.parity.maxOutput);
  });
});
