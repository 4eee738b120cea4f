import { UsageError } from '../errors.js';
import type { BudgetKind } from '../records/types.js';

export interface Budget {
  readonly kind: BudgetKind;
  readonly value: number;
}

/** What the original model scores, on the rows that the plan is judged on. */
export interface BudgetBase {
  readonly originalLoss: number;
  /** Loss of the best constant answer, on the same rows. */
  readonly constantLoss?: number;
}

const NUMBER = /^(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/iu;
const EXPECTED = 'such as 0.01, 1%, abs:0.005, metric:0.005 or explained:0.02';
/** Where L(constant) / L(original) is larger, a share of the original's loss is next to nothing: there the loss is nearly all explained. */
const NEAR_ZERO = 50;

/**
 * Reads a budget: `0.01` or `1%` (relative rise of the original's loss), `abs:0.005` (in the loss's unit), `metric:0.005` (worsening of the
 * metric) or `explained:0.02` (share of what the original explains). A percentage may follow `explained:` too.
 *
 * @returns its kind, and the value as a share or in its unit; > 0, finite.
 * @throws UsageError for anything else.
 */
export function parseBudget(text: string | number): Budget {
  const written = String(text).trim();
  const [, prefix, digits, percent] = /^(?:([a-z]+):)?([^:%]+)(%?)$/iu.exec(written) ?? [];
  const kind = prefix === undefined ? 'relative' : kindOf(prefix.toLowerCase());
  if (kind === undefined || digits === undefined || !NUMBER.test(digits.trim())) {
    throw new UsageError(`The budget must be a number above 0 ${EXPECTED}, got "${written}".`);
  }
  if (percent !== '' && (kind === 'abs' || kind === 'metric')) {
    throw new UsageError(`A budget of the kind ${kind} is a plain number, not a percentage, got "${written}".`, {
      hint: `Write ${kind}:${Number(digits) / 100}, or ${digits}% for a share of the original's loss.`,
    });
  }
  const value = percent === '' ? Number(digits) : Number(digits) / 100;
  if (!(value > 0) || !Number.isFinite(value)) {
    throw new UsageError(`The budget must be above 0 and finite, got "${written}".`);
  }
  return { kind, value };
}

/**
 * The rise that a budget allows over the original: in the loss's unit, for a metric budget in the metric.
 *
 * @throws UsageError where the budget has no meaning: a relative one of a loss that is not above 0, an explained one where the original
 * does no better than a constant answer.
 */
export function allowedRise({ kind, value }: Budget, { originalLoss, constantLoss }: BudgetBase): number {
  if (kind === 'abs' || kind === 'metric') return value;
  if (kind === 'relative') {
    if (!(originalLoss > 0)) {
      throw new UsageError(`A relative budget needs a loss above 0, and the original's loss is ${originalLoss}.`, {
        hint: 'Give the budget as explained:0.01 or abs:0.005.',
      });
    }
    return value * originalLoss;
  }
  const explained = (constantLoss ?? Number.NaN) - originalLoss;
  if (!(explained > 0)) {
    throw new UsageError(
      constantLoss === undefined
        ? 'An explained budget needs the loss of the best constant answer, which is not known for this loss.'
        : `An explained budget needs an original that does better than a constant answer: its loss is ${originalLoss}, the constant's ${constantLoss}.`,
      { hint: 'Give the budget as abs:0.005.' },
    );
  }
  return value * explained;
}

/**
 * A sentence where a relative budget means next to nothing: the original's loss is so small beside the constant answer's that a share of
 * it is far below what any narrowing costs. Undefined: nothing to say.
 */
export function nearZeroWarning(
  { kind, value }: Budget,
  { originalLoss, constantLoss }: BudgetBase,
): string | undefined {
  if (kind !== 'relative' || constantLoss === undefined || !(constantLoss > NEAR_ZERO * originalLoss)) return undefined;
  const times = originalLoss > 0 ? `${Math.round(constantLoss / originalLoss)} times smaller than` : 'nothing beside';
  return (
    `The original's loss is ${times} a constant answer's, so that ${value * 100} % of it is next to nothing: ` +
    `explained:${value} asks for a share of what the model explains.`
  );
}

function kindOf(prefix: string): BudgetKind | undefined {
  return (['abs', 'metric', 'explained', 'relative'] as const).find((kind) => kind === prefix);
}
