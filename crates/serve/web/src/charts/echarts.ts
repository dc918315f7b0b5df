/** The parts of ECharts that the page uses; loaded after the map. */

import { BarChart, HeatmapChart, LineChart, TreemapChart } from "echarts/charts";
import {
  AriaComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { CanvasRenderer } from "echarts/renderers";
import LRU from "zrender/lib/core/LRU.js";

use([BarChart, HeatmapChart, LineChart, TreemapChart]);
use([AriaComponent, GridComponent, LegendComponent, TooltipComponent, VisualMapComponent, CanvasRenderer]);

// The library caches widths of texts, and of parts of them, in a plain object: `__proto__` would change that object. A
// prefix makes the keys safe.
const { get, put } = LRU.prototype;
const key = (text: string | number) => `\0${text}`;
LRU.prototype.get = function (text) {
  return get.call(this, key(text));
};
LRU.prototype.put = function (text, value) {
  return put.call(this, key(text), value);
};

export { init };
