/** What rules of thumb say about a kernel's spectrum. All are heuristics: none of them looks at the loss. */
export interface RankSelectors {
  /** Least k with 90, 95, 99 % of the squared singular values. */
  readonly energy90: number;
  readonly energy95: number;
  readonly energy99: number;
  /** Σσ² / σ₁², not whole. */
  readonly stableRank: number;
  /** exp of the entropy of σ / Σσ, not whole. */
  readonly effectiveRank: number;
  /** (Σσ²)² / Σσ⁴, not whole. */
  readonly participationRatio: number;
  readonly gavishDonoho: number;
  readonly brokenStick: number;
  readonly marchenkoPastur: number;
  /** Null where the spectrum has no knee. */
  readonly knee: number | null;
}

export interface SelectorInfo {
  readonly name: keyof RankSelectors;
  /** For people; each says that it is a heuristic. */
  readonly label: string;
  readonly formula: string;
  readonly source: string;
}

export const SELECTORS: readonly SelectorInfo[] = [
  info(
    'energy90',
    '90 % energy',
    'least k with Σ_{i<=k} σ² / Σ σ² >= 0.90',
    'Jolliffe, Principal Component Analysis, 6.1.1',
  ),
  info(
    'energy95',
    '95 % energy',
    'least k with Σ_{i<=k} σ² / Σ σ² >= 0.95',
    'Jolliffe, Principal Component Analysis, 6.1.1',
  ),
  info(
    'energy99',
    '99 % energy',
    'least k with Σ_{i<=k} σ² / Σ σ² >= 0.99',
    'Jolliffe, Principal Component Analysis, 6.1.1',
  ),
  info('stableRank', 'stable rank', 'Σ σ² / σ₁²', 'Rudelson & Vershynin 2007'),
  info('effectiveRank', 'effective rank', 'exp(-Σ p log p), p = σ / Σ σ', 'Roy & Vetterli 2007'),
  info('participationRatio', 'participation ratio', '(Σ σ²)² / Σ σ⁴', 'Bell & Dean 1970'),
  info('gavishDonoho', 'Gavish-Donoho', 'σ > ω(β) median σ', 'Gavish & Donoho 2014, arXiv 1305.5870'),
  info('brokenStick', 'broken stick', 'while σ_i² / Σ σ² > (1/n) Σ_{j>=i} 1/j', 'MacArthur 1957; Jackson 1993'),
  info('marchenkoPastur', 'Marchenko-Pastur edge', 'σ > s √N (1 + √β), s from the median', 'Marchenko & Pastur 1967'),
  info('knee', 'knee', 'farthest below the chord of the scree plot', 'Satopää et al. 2011 (Kneedle)'),
];

function info(name: keyof RankSelectors, rule: string, formula: string, source: string): SelectorInfo {
  return { name, label: `${rule} (heuristic)`, formula, source };
}
