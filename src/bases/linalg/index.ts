export { matrixOf, transpose, type Matrix } from './matrix.js';
export { multiply, rowGram, timesTransposed } from './products.js';
export { eigSymmetric, powerOf, powersOf, type Eigen, type Power } from './eig.js';
export { singularValues, svdTop, SVD_DEFAULTS, type Svd, type SvdRoute } from './svd.js';
