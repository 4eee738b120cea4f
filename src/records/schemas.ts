import { z } from 'zod';

const count = z.int().min(0);
/** No layer is wider; a record that says so is not one. */
const WIDEST = 2 ** 24;
const cost = { parameters: count, macs: count, bytes: z.number().min(0) };
const measured = { loss: z.number(), se: z.number(), metrics: z.record(z.string(), z.number()) };
const paired = { ...measured, delta: z.number(), deltaSe: z.number() };
const skipped = z.array(z.looseObject({ layer: z.string(), reason: z.string() }));
const head = {
  version: z.literal(1),
  tool: z.string(),
  inputs: z.string(),
  retraining: z.string().optional(),
  seed: z.number(),
  backend: z.looseObject({ name: z.string(), device: z.string(), variant: z.string(), threads: z.number() }),
  model: z.looseObject({ name: z.string(), digest: z.string(), ...cost }),
  data: z.looseObject({
    name: z.string(),
    digest: z.string(),
    examples: z.looseObject({ train: count, select: count, report: count }),
  }),
  loss: z.looseObject({ name: z.string(), unit: z.string() }),
  metrics: z.array(z.looseObject({ name: z.string(), better: z.enum(['higher', 'lower']) })),
  notes: z.array(z.string()),
  warnings: z.array(z.looseObject({ kind: z.enum(['constant', 'seen']), text: z.string() })).optional(),
};
const epochs = z.array(
  z.looseObject({ epoch: z.number(), learningRate: z.number(), trainLoss: z.number(), expectedLoss: z.number() }),
);
const curve = z
  .looseObject({
    basis: z.string(),
    kind: z.enum(['unit', 'rank']),
    weights: z.enum(['original', 'control', 'retrained']),
    layer: z.string().optional(),
    kernelShape: z.array(count).optional(),
    n: z.int().min(1).max(WIDEST),
    points: z.array(z.looseObject({ k: count, ...paired, ...cost })).min(1),
  })
  .refine(({ n, points }) => points.every(({ k }, i) => k <= n && (i === 0 || k > points[i - 1].k)), {
    message: 'points must be sorted by k, each at most n',
  });

const group = {
  name: z.string(),
  n: z.int().min(1).max(WIDEST),
  layers: z.array(z.string()),
  tailPoints: z.array(z.string()),
  curves: z.array(curve),
};

const weights = z.enum(['original', 'control', 'retrained']);
const planned = z
  .looseObject({
    name: z.string(),
    layer: z.string().optional(),
    n: z.int().min(1).max(WIDEST),
    k: z.int().min(1).max(WIDEST),
    basis: z.string(),
    kind: z.enum(['unit', 'rank']),
    folded: z.boolean().optional(),
  })
  .refine(({ n, k }) => k <= n, { message: 'k must be at most n' });
const rise = { delta: z.number(), deltaSe: z.number(), upper95: z.number() };
const joint = {
  ...measured,
  ...rise,
  ...cost,
  predicted: z.number(),
  tuned: z.boolean(),
  latency: z.number().optional(),
};
const choice = { weights, groups: z.array(planned) };
const budget = z.looseObject({
  kind: z.enum(['relative', 'abs', 'metric', 'explained']),
  value: z.number(),
  allowed: z.number(),
});
const verdict = z.enum(['holds', 'not resolved', 'broken']);
const change = { delta: z.number(), low95: z.number(), high95: z.number() };

/** What each record must hold; more is let through. */
export const SCHEMAS = {
  'retrain.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/retrain'),
    original: z.looseObject(measured),
    retrained: z.looseObject(paired),
    control: z.looseObject(paired).optional(),
    sampler: z.looseObject({ name: z.string(), p: z.number(), kMin: z.number() }),
    train: z.enum(['all', 'selected']),
    distill: z.boolean(),
    learningRate: z.number(),
    batchSize: count,
    groups: z.array(z.looseObject({ name: z.string(), n: count, layers: z.array(z.string()) })),
    epochs: count,
    truncatedDraws: z.number(),
    skipped,
    history: epochs,
    controlHistory: epochs.optional(),
  }),
  'sweep.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/sweep'),
    original: z.looseObject(measured),
    retrained: z.looseObject(paired).optional(),
    control: z.looseObject(paired).optional(),
    groups: z.array(z.looseObject(group)),
    skipped,
  }),
  'compare.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/compare'),
    original: z.looseObject(measured),
    retrained: z.looseObject(paired).optional(),
    control: z.looseObject(paired).optional(),
    axis: z.enum(['parameters', 'macs', 'bytes', 'k']),
    groups: z.array(
      z.looseObject({
        ...group,
        kernels: z.array(
          z.looseObject({
            layer: z.string(),
            kernelShape: z.array(count),
            rank: count,
            singularValues: z.array(z.number()),
            breakEven: count,
            selectors: z.record(z.string(), z.number().nullable()),
          }),
        ),
        missing: z.array(z.looseObject({ basis: z.string(), reason: z.string() })),
      }),
    ),
    skipped,
  }),
  'candidates.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/candidates'),
    rows: count.optional(),
    original: z.looseObject(measured),
    retrained: z.looseObject(paired).optional(),
    groups: z.array(z.looseObject(group)),
    missing: z.array(z.looseObject({ group: z.string(), basis: z.string(), reason: z.string() })),
  }),
  'plan.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/plan'),
    budget,
    confidence: z.number(),
    minimize: z.enum(['parameters', 'macs', 'bytes', 'latency']),
    verdict,
    feasible: z.boolean(),
    rows: z.looseObject({ steering: count, bounding: count }),
    original: z.looseObject({ ...measured, ...cost }),
    planned: z.looseObject(joint),
    ...choice,
    control: z.looseObject({ ...measured, ...rise }).optional(),
    retrained: z.looseObject({ ...measured, ...rise }).optional(),
    feasibility: z.looseObject({
      smallest: z.looseObject({ ...joint, ...choice }),
      optimistic: z.looseObject(cost),
      retrained: z.looseObject(rise).optional(),
      control: z.looseObject(rise).optional(),
    }),
    likely: z.looseObject({ ...joint, ...choice }).optional(),
    frontier: z.array(z.looseObject({ ...joint, ...choice })),
    evaluations: count,
    examplesNeeded: count.optional(),
    stopped: z.looseObject({ group: z.string(), budget: z.number() }).optional(),
    tuning: z.looseObject({ epochs: count, learningRate: z.number(), tried: count }).optional(),
    baseline: z
      .looseObject({
        name: z.string(),
        verdict,
        budget,
        groups: z.array(planned),
        planned: z.looseObject(joint),
      })
      .optional(),
    skipped,
    report: z.looseObject({
      ...rise,
      ...change,
      original: z.looseObject(measured),
      planned: z.looseObject(measured),
      verdict: z.enum(['confirms', 'does not contradict', 'contradicts']),
      examples: count,
      reads: count,
      metrics: z.array(z.looseObject({ name: z.string(), ...change })),
      classes: z.array(z.looseObject({ label: z.string(), examples: count, ...change })).optional(),
    }),
  }),
  'compress.json': z.looseObject({
    ...head,
    schema: z.literal('tdc/compress'),
    plan: z.string(),
    ...choice,
    original: z.looseObject({ ...cost, fileBytes: count }),
    compressed: z.looseObject({ ...cost, fileBytes: count }),
    parity: z.looseObject({ maxAbsDifference: z.number(), maxOutput: z.number(), examples: count }),
    quantisation: z.looseObject({ dtype: z.string(), ...rise }).optional(),
    tuned: z.boolean().optional(),
    batchNorm: z.enum(['kept', 're-estimated']).optional(),
  }),
  'latency.json': z.looseObject({
    schema: z.literal('tdc/latency'),
    version: z.literal(1),
    tool: z.string(),
    inputs: z.string(),
    backend: head.backend,
    batch: count,
    groups: z.array(
      z.looseObject({
        name: z.string(),
        points: z.array(z.looseObject({ k: count, ms: z.number() })).min(1),
      }),
    ),
    full: z.number(),
    smallest: z.number(),
    models: z.looseObject({ original: z.number(), compressed: z.number() }).optional(),
  }),
  'run.json': z.looseObject({
    schema: z.literal('tdc/run'),
    version: z.literal(1),
    tool: z.string(),
    command: z.string(),
    startedAt: z.string(),
    stages: z.array(z.looseObject({ name: z.string(), seconds: z.number(), reused: z.boolean() })),
    machine: z.looseObject({ os: z.string(), cpu: z.string(), cores: z.number(), memoryBytes: z.number() }),
    versions: z.record(z.string(), z.string()),
  }),
} as const;
