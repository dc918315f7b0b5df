//! The output of a running program, kept as it comes.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

/// Lines read so far from one of the program's streams.
#[derive(Clone)]
pub(super) struct Log(Arc<(Mutex<Written>, Condvar)>);

#[derive(Default)]
struct Written {
    lines: Vec<String>,
    ended: bool,
}

/// The outcome of waiting for a line.
pub(super) enum Waited {
    Found(String),
    Ended,
    TooLate,
}

impl Log {
    /// Drains a stream on a thread of its own, until it ends.
    pub(super) fn drain(from: impl Read + Send + 'static) -> Self {
        let log = Self(Arc::new((Mutex::new(Written::default()), Condvar::new())));
        let Self(shared) = log.clone();
        thread::spawn(move || {
            let (written, changed) = &*shared;
            for line in BufReader::new(from).split(b'\n') {
                let Ok(line) = line else { break };
                let line = String::from_utf8_lossy(&line).into_owned();
                written.lock().expect("no holder panics").lines.push(line);
                changed.notify_all();
            }
            written.lock().expect("no holder panics").ended = true;
            changed.notify_all();
        });
        log
    }

    /// Returns the first line that contains this text, waiting for it if necessary.
    pub(super) fn wait_for(&self, part: &str, most: Duration) -> Waited {
        let (written, changed) = &*self.0;
        let written = written.lock().expect("no holder panics");
        let unseen = |written: &mut Written| !written.ended && !written.lines.iter().any(|line| line.contains(part));
        let (written, timeout) = changed.wait_timeout_while(written, most, unseen).expect("no holder panics");
        match written.lines.iter().find(|line| line.contains(part)) {
            Some(line) => Waited::Found(line.clone()),
            None if timeout.timed_out() => Waited::TooLate,
            None => Waited::Ended,
        }
    }

    /// Waits until the stream has ended, so that nothing written is missing.
    pub(super) fn wait_for_end(&self, most: Duration) {
        let (written, changed) = &*self.0;
        let written = written.lock().expect("no holder panics");
        drop(changed.wait_timeout_while(written, most, |written| !written.ended));
    }

    /// Returns all that was read so far.
    pub(super) fn text(&self) -> String {
        self.0.0.lock().expect("no holder panics").lines.join("\n")
    }
}
