#!/usr/bin/env python3
"""Breaks the program on purpose, one way at a time, and asks the named test whether it notices.

Each mutant is an exact replacement that must match once, so that a mutant whose place has moved is an error and not a
pass. The repository is copied to one directory in the user's cache, always the same, so that only what a mutant changes
is built again; the build goes into CARGO_TARGET_DIR of the caller.

    tests/mutants/run.py             all of them; exit code 1 if one survives
    tests/mutants/run.py --list      what there is
    tests/mutants/run.py --only NAME [NAME ...]
"""

import argparse
import dataclasses
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKIPPED = {".git", "target", "node_modules"}


@dataclasses.dataclass(frozen=True)
class Mutant:
    """One way to be wrong, and who must notice."""

    name: str
    file: str
    old: str
    new: str
    test: str
    env: dict[str, str] = dataclasses.field(default_factory=dict)


MUTANTS = [
    Mutant(
        "skip-the-sync-of-bytes",
        "crates/store/src/objects/durable_local.rs",
        "        self.disk.sync(&self.file, &self.path)?;\n",
        "",
        "faults::power_loss::a_power_cut_at_any_step",
    ),
    Mutant(
        "skip-the-sync-of-names",
        "crates/store/src/objects/durable_local.rs",
        """        if let Some(directory) = target.parent() {
            self.disk.sync_directory(directory)?;
        }
""",
        "",
        "faults::power_loss::a_power_cut_at_any_step",
    ),
    Mutant(
        "drop-the-transaction-of-a-batch",
        "crates/ingest/src/landing/mod.rs",
        "            transaction: Some((LANDING_TRANSACTION.to_owned(), number)),\n",
        "",
        "storage::exactly_once::",
    ),
    Mutant(
        "drop-the-transaction-of-counts",
        "crates/ingest/src/landing/derive.rs",
        "            transaction: Some((transaction, batch)),\n",
        "            transaction: None,\n",
        "storage::exactly_once::",
    ),
    Mutant(
        "page-by-offset",
        "crates/portal/src/soda/client.rs",
        """        query.extend(request.filter.map(|filter| ("$where", filter)));
""",
        """        static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        let offset = (ASKED.fetch_add(1, Ordering::Relaxed) * request.limit).to_string();
        query.push(("$offset", offset.as_str()));
""",
        "portal::faults::rows_that_change_between",
    ),
    Mutant(
        "forget-the-tie-breaker",
        "crates/portal/src/soda/scan.rs",
        """    format!(":updated_at > {at} OR (:updated_at = {at} AND :id > {})", soql_literal(&cursor.id))""",
        """    format!(":updated_at > {at}")""",
        "storage::exactness::five_synthetic_resources",
    ),
    Mutant(
        "forget-the-watermark",
        "crates/query/src/snapshot/signed_counts.rs",
        """col("batch").gt(lit(r.watermark()))""",
        """col("batch").gt(lit(0_i64))""",
        "storage::exactly_once::",
    ),
    Mutant(
        "keep-the-old-cell-of-a-moved-row",
        "crates/ingest/src/landing/ledger.rs",
        "            self.add_count(current.dimensions, -1);\n",
        "            self.add_count(Dimensions { cell: next.dimensions.cell, ..current.dimensions }, -1);\n",
        "storage::exactly_once::",
    ),
    Mutant(
        "everything-served-again-is-changed",
        "crates/ingest/src/landing/ledger.rs",
        "            Some(current) if current.hash == next.hash || Some(current.hash) == earlier => Verdict::Unchanged,\n",
        "",
        "storage::exactness::ingesting_twice",
    ),
    Mutant(
        "everything-served-again-is-unchanged",
        "crates/ingest/src/landing/ledger.rs",
        "            Some(current) if current.hash == next.hash || Some(current.hash) == earlier => Verdict::Unchanged,\n",
        "            Some(_) if !next.deleted => Verdict::Unchanged,\n",
        "storage::exactly_once::",
    ),
    Mutant(
        "a-landing-believes-its-batch-too-early",
        "crates/ingest/src/landing/mod.rs",
        """definition.or(self.stored_definition.take());\n        if rows > 0 {""",
        """definition.or(self.stored_definition.take());\n        self.mark = mark.clone();\n        if rows > 0 {""",
        "faults::store_faults::a_landing_that_goes_on",
    ),
    Mutant(
        "take-a-page-for-unchanged-without-looking",
        "crates/ingest/src/landing/mod.rs",
        "            return Ok(unmet.then_some(plan.report));\n",
        "            let _ = unmet;\n            return Ok(Some(plan.report));\n",
        "storage::exactly_once::a_row_that_another_landing_changed",
    ),
    Mutant(
        "trust-an-index-beyond-the-counts",
        "crates/ingest/src/landing/catch_up.rs",
        "let usable = |stamp: &IndexStamp| stamp.batch <= counted || self.mark.rows_batch <= counted;",
        "let usable = |_: &IndexStamp| true;",
        "faults::power_loss::a_power_cut_at_any_step",
    ),
    Mutant(
        "trust-an-index-that-is-behind",
        "crates/ingest/src/landing/catch_up.rs",
        "        let mut from = reflected;\n",
        "        let mut from = if reflected > 0 { self.mark.rows_batch } else { 0 };\n",
        "storage::exactly_once::",
    ),
    Mutant(
        "stay-with-a-log-that-began-anew",
        "crates/query/src/snapshot/open.rs",
        "Err(error) if tries < MAX_TRIES && self.has_newer_versions(versions).await => {",
        "Err(error) if tries > MAX_TRIES && self.has_newer_versions(versions).await => {",
        "faults::forget_concurrency::a_log_that_begins_anew",
    ),
    Mutant(
        "vacuum-without-age-guard",
        "crates/maintenance/src/vacuum.rs",
        "object.is_data_file() && object.modified < before",
        "object.is_data_file()",
        "faults::store_faults::a_vacuum_spares",
    ),
]


def files(root: pathlib.Path) -> set[pathlib.Path]:
    """The files under a directory that are built and tested, relative to it."""
    found = set()
    for folder, names, file_names in os.walk(root):
        names[:] = [name for name in names if name not in SKIPPED]
        found.update((pathlib.Path(folder) / name).relative_to(root) for name in file_names if name not in SKIPPED)
    return found


def copy_repository(target: pathlib.Path) -> None:
    """Makes the copy like the repository. Only what differs is written, with the time of now: with older times cargo
    would take what it built of an earlier mutant for fresh."""
    wanted = files(ROOT)
    for path in files(target) - wanted:
        (target / path).unlink()
    for path in wanted:
        source, copy = ROOT / path, target / path
        if not copy.is_file() or copy.read_bytes() != source.read_bytes():
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(source.read_bytes())
            shutil.copymode(source, copy)


def run_test(mutant: Mutant, folder: pathlib.Path) -> subprocess.CompletedProcess[str]:
    """Builds the mutant and runs its test."""
    command = ["cargo", "test", "--workspace", "--offline", "--test", "tests", "--", mutant.test]
    env = {**os.environ, "RUST_BACKTRACE": "0", **mutant.env}
    return subprocess.run(command, cwd=folder, env=env, text=True, capture_output=True, check=False)


def verdict(mutant: Mutant, folder: pathlib.Path) -> str:
    """`caught`, or what went wrong."""
    path = folder / mutant.file
    text = path.read_text()
    if text.count(mutant.old) != 1:
        return f"its place in {mutant.file} is there {text.count(mutant.old)} times"
    path.write_text(text.replace(mutant.old, mutant.new))
    try:
        done = run_test(mutant, folder)
    finally:
        path.write_text(text)
    if "could not compile" in done.stderr:
        return "it does not compile:\n" + done.stderr[-2_000:]
    if "running 0 tests" in done.stdout:
        return f"there is no test {mutant.test}"
    return "caught" if "test result: FAILED" in done.stdout else "SURVIVED"


def main() -> int:
    """All mutants that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="store_true", help="say what there is")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these")
    args = parser.parse_args()
    unknown = set(args.only or []) - {mutant.name for mutant in MUTANTS}
    if unknown:
        parser.error(f"there is no mutant {', '.join(sorted(unknown))}")
    chosen = [mutant for mutant in MUTANTS if not args.only or mutant.name in args.only]
    if args.list:
        for mutant in chosen:
            print(f"{mutant.name}: {mutant.file}, by {mutant.test}")
        return 0
    caught = 0
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    folder = cache / "hotspots-lake" / "mutants"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "mutants.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        copy_repository(folder)
        for mutant in chosen:
            began = time.monotonic()
            found = verdict(mutant, folder)
            caught += found == "caught"
            print(f"{mutant.name}: {found} ({time.monotonic() - began:.0f} s)", flush=True)
    print(f"{caught}/{len(chosen)} caught")
    return 0 if caught == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
