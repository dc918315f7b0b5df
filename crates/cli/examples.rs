//! The examples at the end of each command's help. A line is at most 78 columns wide, so that no terminal wraps it, and
//! a comment is on the line above its command, so that both can be pasted into a shell.

pub(crate) const PROGRAM: &str = "\
Examples:
  # the complete program on synthetic rows: http://127.0.0.1:8080
  hotspots-lake up --demo
  # two pages from the real portal
  hotspots-lake ingest 311-cases --max-pages 2
  # an exact recount of what has landed
  hotspots-lake compact
  hotspots-lake sql 'SELECT resource, SUM(count) FROM counts GROUP BY 1'

Exit codes: 0 done, 1 the answer is no, 2 bad usage or not found, 3 partly
done, 4 try again, 5 damaged data, 70 a bug.";

pub(crate) const UP: &str = "\
Examples:
  # synthetic rows from a portal that the program runs itself
  hotspots-lake up --demo
  # every resource from its real portal
  hotspots-lake up
  # one resource, another address
  hotspots-lake up 311-cases --http 127.0.0.1:9000";

pub(crate) const AGGREGATES: &str = "\
Examples:
  # incidents by cell and day
  hotspots-lake aggregates --resource 311-cases --limit 10
  # a week around City Hall, by category
  hotspots-lake aggregates --near 37.7793,-122.4193,500 --group-by category
  # months, into a spreadsheet
  hotspots-lake aggregates --group-by time --time-precision 1mo -o months.csv";

pub(crate) const HOTSPOTS: &str = "\
Examples:
  # hot and cold cells of a category, the hottest first
  hotspots-lake hotspots --category Graffiti --significant true
  # for a map
  hotspots-lake hotspots --resource 311-cases --geo-precision 8 -o hot.geojson";

pub(crate) const INGEST: &str = "\
Examples:
  # every resource, from where the last run ended
  hotspots-lake ingest
  hotspots-lake ingest 311-cases --max-pages 2
  # rows saved from a portal, reconciled by key
  hotspots-lake ingest 311-cases --file saved.json.gz
  # read everything again, delete what the portal no longer has
  hotspots-lake ingest 311-cases --full
  # the rejects again, after a correction of the resource file
  hotspots-lake ingest 311-cases --replay-rejects
  # a mirror or a proxy
  hotspots-lake ingest 311-cases --portal http://127.0.0.1:9000
  # outlines for the map, read completely each time
  hotspots-lake ingest sf-neighborhoods
  hotspots-lake ingest sf-neighborhoods --file saved.geojson";

pub(crate) const COMPACT: &str = "\
Examples:
  # the batches since the last compaction
  hotspots-lake compact
  # the same, and a recount of these years from the raw rows
  hotspots-lake compact --window 2020..2030
  # rebuild everything that follows from the raw rows
  hotspots-lake compact --recount
  # report only; exit code 1 if there is drift
  hotspots-lake compact 311-cases --dry-run";

pub(crate) const AUDIT: &str = "\
Examples:
  # every resource: ingest all that is new, then compare
  hotspots-lake audit
  hotspots-lake audit 311-cases --window 2024..2025
  # key by key: those that are gone or missing
  hotspots-lake audit --keys
  # nightly, this keeps the lake equal to the portals
  hotspots-lake audit --keys --repair

A source that changes during the comparison is read again; if it keeps
changing, the exit code is 4.";

pub(crate) const REJECTS: &str = "\
Examples:
  hotspots-lake rejects
  hotspots-lake rejects 311-cases --format json
  # after a correction of the resource file
  hotspots-lake ingest 311-cases --replay-rejects";

pub(crate) const SQL: &str = "\
Examples:
  # an interactive shell; \\? lists its commands
  hotspots-lake sql
  hotspots-lake sql 'SELECT category, SUM(count) FROM counts GROUP BY 1'
  hotspots-lake sql --format json -f question.sql
  echo 'SELECT * FROM raw.\"311_cases\" LIMIT 5' | hotspots-lake sql
  # into a file, whose extension names the format
  hotspots-lake sql -o incidents.parquet 'SELECT * FROM incidents'
  # cells as H3 text
  hotspots-lake sql 'SELECT DISTINCT h3_h3_to_string(cell) FROM counts'
  # the lake as it was
  hotspots-lake sql --as-of 2026-03-01 'SELECT SUM(count) FROM counts'

Tables: incidents, counts, rejects, boundaries (current answers); stored.*
(as stored); raw.* (every landed version).";

pub(crate) const SERVE: &str = "\
Examples:
  hotspots-lake serve
  hotspots-lake serve --flight
  # for other machines, encrypted
  hotspots-lake serve --http 0.0.0.0:8443 --tls-cert a.crt --tls-key a.key
  curl 'http://127.0.0.1:8080/aggregates?group_by=category'";

pub(crate) const STATUS: &str = "\
Examples:
  hotspots-lake status
  hotspots-lake status --format json";

pub(crate) const RESOURCES: &str = "\
Examples:
  hotspots-lake resources list
  hotspots-lake resources show 311-cases
  hotspots-lake resources list --resources ./my-resources
  # a draft of a resource file from rows saved as CSV
  hotspots-lake resources init city-calls.csv > my-resources/city-calls.toml";

pub(crate) const QUERIES: &str = "\
Examples:
  hotspots-lake queries list
  hotspots-lake queries run reports/categories --param top=10
  hotspots-lake queries run reports/months -o months.csv
  hotspots-lake queries show reports/categories
  # rows against NAME.csv next to NAME.sql; exit code 1 if one differs
  hotspots-lake queries test ./my-queries";

pub(crate) const HISTORY: &str = "\
Examples:
  hotspots-lake history --limit 20
  hotspots-lake history --table counts
  hotspots-lake history --table raw/311-cases --format json";

pub(crate) const CHECK: &str = "\
Examples:
  hotspots-lake check
  hotspots-lake check --format json

Exit codes: 0 the lake is intact, 1 tables differ that should not, 5 damaged.";

pub(crate) const VACUUM: &str = "\
Examples:
  # list the files, delete nothing
  hotspots-lake vacuum
  # delete them
  hotspots-lake vacuum --apply
  # keep every version of the last 30 days readable
  hotspots-lake vacuum --older-than 30d --apply
  hotspots-lake vacuum --older-than 0s --nothing-else-runs --apply";

pub(crate) const FORGET: &str = "\
Examples:
  hotspots-lake forget police-department-incidents 95322406244
  # the keys of incidents
  hotspots-lake sql 'SELECT resource, id FROM incidents LIMIT 5'

Nothing else may write to the lake at the same time. Earlier versions can no
longer be read afterwards. A record that the portal still publishes is landed
again by the next full read.";

pub(crate) const TOKEN: &str = "\
Examples:
  # append the token's line to the file, print the token
  hotspots-lake token new map --token-file tokens
  hotspots-lake token new prometheus --scope admin --token-file tokens
  hotspots-lake serve --token-file tokens";

pub(crate) const CONFIG: &str = "\
Examples:
  # every setting of every command, as a config file
  hotspots-lake config show
  # those of one command, and where each comes from
  hotspots-lake config show serve --origin

A setting is taken from the command line, else from its environment variable,
else from the config file, else it has its default.";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  # bash: a line of ~/.bashrc
  source <(hotspots-lake completions bash)
  # fish: a line of ~/.config/fish/config.fish
  hotspots-lake completions fish | source";

pub(crate) const MAN: &str = "\
Examples:
  hotspots-lake man > hotspots-lake.1
  # a page for each command
  hotspots-lake man --directory ~/.local/share/man/man1";
