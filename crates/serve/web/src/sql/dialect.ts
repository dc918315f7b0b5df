/** The SQL dialect of the lake, for highlighting and completion; it is read-only. */

import { SQLDialect } from "@codemirror/lang-sql";

export const LakeSql = SQLDialect.define({
  keywords:
    "all and anti any array as asc at between by case cast cross current_date current_time current_timestamp describe desc " +
    "distinct else end escape except exclude exists explain false fetch filter first following for from full group " +
    "having ignore ilike in inner intersect interval into is join lateral last left like limit natural not null nulls " +
    "offset on or order outer over partition preceding qualify range recursive respect right row rows select semi show " +
    "similar some tables then time timestamp to true unbounded union unnest using values when where window with within zone",
  types: "bigint boolean char date decimal double float int integer real smallint text tinyint unsigned varchar",
  operatorChars: "*+-%<>!=&|~^/:",
  // `$name` is a placeholder.
  specialVar: "$?",
  identifierQuotes: '"',
  caseInsensitiveIdentifiers: true,
});
