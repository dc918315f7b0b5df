//! Power is cut at any step: synced data is there, of everything else any part. Acknowledged batches are intact, and
//! the next run continues.
//!
//! The steps are those that the store really made on the file system. A state is drawn from them and a seed;
//! `HOTSPOTS_SEED` draws one again, `HOTSPOTS_LONG=1` draws more.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use lake_store::{DiskStep, DurableLocal, Lake, Location};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use crate::faults::store_faults::tiny::{self, PLACES, Published, row, stamp};
use crate::faults::store_faults::{long, runtime, spread};
use crate::harness::requested_seed;

/// The steps, in order.
enum Event {
    Step(DiskStep),
    /// All that has been acknowledged by now.
    Acknowledged(Published),
}

/// A run and everything it did to the disk.
struct Recording {
    root: PathBuf,
    events: Vec<Event>,
    published: Published,
    /// The key index as it was after the first run: behind.
    old_index: PathBuf,
    _folders: [tempfile::TempDir; 2],
}

/// Publishes an edition: eight rows that are new, then edited in place, time and kind.
fn publish(published: &mut Published, edition: u64) {
    for n in 0..8 {
        let id = format!("{:012}", n + edition / 2 * 4);
        let occurred = format!("202{}-05-{:02}T10:00:00.000", 3 + (n + edition) % 2, 1 + n);
        let kind = ["Fire", "Alarm", "Storm"][usize::try_from(edition % 3).unwrap()];
        let place = PLACES[usize::try_from(n + edition).unwrap() % PLACES.len()];
        published.set(&format!("row-{id}"), &stamp(edition * 60 + n / 2), row(&id, &occurred, kind, place));
    }
    let mut keyless = row("", "2023-01-01T00:00:00.000", "Fire", PLACES[0]);
    keyless.remove("id");
    published.set(&format!("keyless-{edition}"), &stamp(edition * 60 + 9), keyless);
}

fn record() -> Recording {
    let (folder, indexes) = (tiny::folder(), tiny::folder());
    let (index, old_index) = (indexes.path().join("index"), indexes.path().join("old"));
    let root = folder.path().to_owned();
    let events = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&events);
    let store = DurableLocal::with_observer(Arc::new(move |step| told.lock().unwrap().push(Event::Step(step))));
    let location = place(&root).wrap_store(|_| Arc::new(store));
    let mut published = Published::default();
    runtime().block_on(async {
        for edition in 0..4 {
            publish(&mut published, edition);
            let lake = Lake::create(location.clone()).await.unwrap();
            let mut acknowledged = Published::default();
            if let Some(before) = last_acknowledged(&events.lock().unwrap()) {
                acknowledged.clone_from(before);
            }
            let landed = |page: &[serde_json::Value]| {
                acknowledged.serve(page);
                events.lock().unwrap().push(Event::Acknowledged(acknowledged.clone()));
            };
            tiny::ingest(&lake, &index, &published, 4, |_| {}, landed).await.unwrap();
            if edition == 0 {
                tiny::copy(&index, &old_index);
            }
            tiny::compact_all(&lake, edition == 2).await.unwrap();
        }
    });
    let events = std::mem::take(&mut *events.lock().unwrap());
    Recording { root, events, published, old_index, _folders: [folder, indexes] }
}

fn place(root: &Path) -> Location {
    Location::parse(root.join("lake").to_str().unwrap()).unwrap()
}

fn last_acknowledged(events: &[Event]) -> Option<&Published> {
    events.iter().rev().find_map(|event| match event {
        Event::Acknowledged(published) => Some(published),
        Event::Step(_) => None,
    })
}

#[derive(Clone, Copy, Debug)]
enum Entry {
    File(usize),
    Directory,
}

#[derive(Debug)]
enum Change {
    Add(OsString, Entry),
    Remove(OsString),
    Rename(OsString, OsString, Entry),
}

fn apply(names: &mut BTreeMap<OsString, Entry>, change: &Change) {
    match change {
        Change::Add(name, entry) => drop(names.insert(name.clone(), *entry)),
        Change::Remove(name) => drop(names.remove(name)),
        Change::Rename(from, to, entry) => {
            names.remove(from);
            names.insert(to.clone(), *entry);
        }
    }
}

/// A directory: the names that are durable, and what was done to them since.
#[derive(Debug, Default)]
struct Directory {
    durable: BTreeMap<OsString, Entry>,
    changes: Vec<Change>,
}

/// A file's bytes that are durable, and what was written since.
#[derive(Debug, Default)]
struct File {
    durable: Vec<u8>,
    writes: Vec<(u64, bytes::Bytes)>,
}

impl File {
    fn whole(&self) -> Vec<u8> {
        let mut bytes = self.durable.clone();
        for (offset, written) in &self.writes {
            let start = usize::try_from(*offset).unwrap();
            bytes.resize(bytes.len().max(start + written.len()), 0);
            bytes[start..start + written.len()].copy_from_slice(written);
        }
        bytes
    }

    /// Draws the part of it that survives.
    fn drawn(&self, random: &mut StdRng) -> Vec<u8> {
        if self.writes.is_empty() {
            return self.durable.clone();
        }
        let mut whole = self.whole();
        match random.random_range(0..4) {
            0 => self.durable.clone(),
            1 => {
                whole.truncate(random.random_range(self.durable.len()..=whole.len()));
                whole
            }
            2 => {
                whole[self.durable.len()..].fill(0);
                whole
            }
            _ => whole,
        }
    }
}

/// A disk as POSIX promises it: a file's bytes survive once it is synced, a name once its directory is.
#[derive(Debug, Default)]
struct Platter {
    files: Vec<File>,
    directories: BTreeMap<PathBuf, Directory>,
    /// The names that the running system sees.
    seen: BTreeMap<PathBuf, usize>,
}

impl Platter {
    fn change(&mut self, path: &Path, change: impl FnOnce(OsString) -> Change) {
        let name = path.file_name().unwrap().to_owned();
        let directory = self.directories.get_mut(path.parent().unwrap()).expect("the directory was made before");
        directory.changes.push(change(name));
    }

    fn make(&mut self, step: &DiskStep) {
        match step {
            DiskStep::MakeDirectory(path) => {
                self.change(path, |name| Change::Add(name, Entry::Directory));
                self.directories.insert(path.clone(), Directory::default());
            }
            DiskStep::CreateFile(path) => {
                let file = self.files.len();
                self.files.push(File::default());
                self.seen.insert(path.clone(), file);
                self.change(path, |name| Change::Add(name, Entry::File(file)));
            }
            DiskStep::Write { file, offset, bytes } => {
                self.files[self.seen[file]].writes.push((*offset, bytes.clone()));
            }
            DiskStep::SyncFile(path) => {
                let file = &mut self.files[self.seen[path]];
                file.durable = file.whole();
                file.writes.clear();
            }
            DiskStep::Link(from, to) => {
                let file = self.seen[from];
                self.seen.insert(to.clone(), file);
                self.change(to, |name| Change::Add(name, Entry::File(file)));
            }
            DiskStep::Rename(from, to) => {
                assert_eq!(from.parent(), to.parent(), "a rename over directories has no one place to be synced");
                let file = self.seen.remove(from).expect("the file was there");
                self.seen.insert(to.clone(), file);
                let old = from.file_name().unwrap().to_owned();
                self.change(to, |name| Change::Rename(old, name, Entry::File(file)));
            }
            DiskStep::Remove(path) => {
                self.seen.remove(path);
                self.change(path, Change::Remove);
            }
            DiskStep::SyncDirectory(path) => {
                // Those above the root were there before.
                if let Some(directory) = self.directories.get_mut(path) {
                    for change in directory.changes.drain(..) {
                        apply(&mut directory.durable, &change);
                    }
                }
            }
        }
    }

    /// Writes what survives of `directory` into `target`.
    fn draw(&self, random: &mut StdRng, directory: &Path, target: &Path) {
        let Directory { durable, changes } = &self.directories[directory];
        let mut names = durable.clone();
        for change in changes {
            if random.random_bool(0.5) {
                apply(&mut names, change);
            }
        }
        for (name, entry) in names {
            match entry {
                Entry::File(file) => {
                    std::fs::write(target.join(&name), self.files[file].drawn(random)).unwrap();
                }
                Entry::Directory => {
                    std::fs::create_dir(target.join(&name)).unwrap();
                    self.draw(random, &directory.join(&name), &target.join(&name));
                }
            }
        }
    }
}

/// Tests one state: the disk after a cut, a lake on it, and the run that continues.
fn cut_and_go_on(recording: &Recording, seed: u64) {
    let mut random = StdRng::seed_from_u64(seed);
    let cut = random.random_range(0..=recording.events.len());
    let mut platter = Platter::default();
    platter.directories.insert(recording.root.clone(), Directory::default());
    for event in &recording.events[..cut] {
        if let Event::Step(step) = event {
            platter.make(step);
        }
    }
    let folder = tiny::folder();
    platter.draw(&mut random, &recording.root, folder.path());
    let indexes = tiny::folder();
    let index = indexes.path().join("index");
    let acknowledged = last_acknowledged(&recording.events[..cut]).cloned().unwrap_or_default();
    let later = recording.events[cut..].iter().find_map(|event| match event {
        Event::Acknowledged(published) => Some(published.clone()),
        Event::Step(_) => None,
    });
    let begun = acknowledged.page(None, 1).is_some();
    if begun && random.random_bool(0.5) {
        tiny::copy(&recording.old_index, &index);
    }
    runtime().block_on(async {
        if begun {
            let lake = Lake::open(place(folder.path())).await.expect("the lake with acknowledged rows");
            let reader = tiny::reader(&lake).unwrap();
            let (found, exact) = tiny::answer(&reader).await.expect("an answer before anything is run");
            let without = found == acknowledged.expected();
            let with = later.is_some_and(|later| found == later.expected());
            assert!(!exact || without || with, "acknowledged rows are lost, or others are there: {found:?}");
            tiny::versions_are_readable(&lake, true).await;
        }
        let lake = Lake::create(place(folder.path())).await.expect("the lake, made if need be");
        tiny::ingest(&lake, &index, &recording.published, 7, |_| {}, |_| {}).await.expect("the next run");
        let reader = tiny::reader(&lake).unwrap();
        assert_eq!(tiny::answer(&reader).await.unwrap(), (recording.published.expected(), true), "after the next run");
        for report in tiny::compact_all(&lake, random.random_bool(0.25)).await.expect("the next compaction") {
            assert_eq!(report.drift(), 0, "{report:?}");
        }
        assert_eq!(tiny::answer(&reader).await.unwrap(), (recording.published.expected(), true), "compacted");
    });
}

#[test]
fn a_power_cut_at_any_step_leaves_every_acknowledged_batch_whole() {
    let recording = record();
    let replayed = requested_seed();
    let states = match replayed {
        Some(seed) => seed..seed + 1,
        None => 0..if long() { 10_000 } else { 500 },
    };
    let seed = |state: usize| states.start + u64::try_from(state).unwrap();
    let count = usize::try_from(states.end - states.start).unwrap();
    spread(count, |state| format!("HOTSPOTS_SEED={}", seed(state)), |state| cut_and_go_on(&recording, seed(state)));
    eprintln!("{} steps, states {states:?}", recording.events.len());
}
