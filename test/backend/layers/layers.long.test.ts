import { LAYER_CASES } from './cases.js';
import { describeLayerTable } from './table.js';

describeLayerTable(LAYER_CASES, 24);
