import type { ComparedCurve, ComparedGroupView } from './compareView.js';
import type { RisePoint } from './curves.js';

/** The plan's ordering; without a plan the one with the smallest model. */
export function chosen({ planned, winner }: ComparedGroupView): ComparedCurve | undefined {
  return planned?.curve ?? winner;
}

/** The measured point that the dot stands at. */
export function chosenPoint(group: ComparedGroupView): RisePoint | undefined {
  const { planned, drawn, winner } = group;
  if (planned === undefined) return winner?.view.needs ?? undefined;
  return drawn.includes(planned.curve) ? planned.curve.view.points.find((p) => p.k === planned.k) : undefined;
}
