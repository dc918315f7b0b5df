//! Damage to a stored file as an error that finds its way through every library to the user.

use lake_model::{Error, Kind};

/// The damage of a file.
#[derive(Debug)]
pub(crate) enum Damage {
    /// A version of a table names it, and it is not there.
    Missing,
    /// Its size is not what was written.
    Size { actual: u64, expected: u64 },
    /// Its bytes are not what was written.
    Bytes,
    /// A log entry that is not what was written, and how.
    Entry(String),
    /// A checkpoint that is not what was written.
    Checkpoint,
}

/// Stands in the text of the error, for readers that pass on only texts.
const DAMAGE_MARK: &str = "damaged data";

/// Returns the error of a damaged file: its cause is ours, of [`Kind::Data`].
pub(crate) fn damage_error(name: &str, damage: Damage, table: Option<&str>) -> object_store::Error {
    let what = match &damage {
        Damage::Missing => "is missing".to_owned(),
        Damage::Size { actual, expected } => format!("has {actual} bytes where {expected} were written"),
        Damage::Bytes | Damage::Checkpoint => "does not have the bytes that were written".to_owned(),
        Damage::Entry(how) => how.clone(),
    };
    let remedy = match (&damage, table) {
        (Damage::Checkpoint, _) => {
            "restore it from a copy; while the log entries before it are all there, it may also be removed"
        }
        (_, Some("incidents" | "counts")) => "`hotspots-lake compact --window` of its year rebuilds it",
        (_, Some("fast_counts")) => "`hotspots-lake compact` counts its batches again",
        _ => "restore it from a copy",
    };
    let error = Error::new(
        Kind::Data,
        format!("{name} {what}; {remedy}, and `hotspots-lake check` names what else is damaged"),
    );
    object_store::Error::Generic { store: DAMAGE_MARK, source: error.into() }
}

/// Returns the damage that a library's error is about, however deep; some pass on only the text of the error below
/// them.
pub fn find_damage(error: &(dyn std::error::Error + 'static)) -> Option<Error> {
    let mut causes = std::iter::successors(Some(error), |error| error.source());
    if let Some(ours) = causes.find_map(|cause| cause.downcast_ref::<Error>().filter(|e| e.kind() == Kind::Data)) {
        return Some(Error::new(Kind::Data, ours.message()));
    }
    let text = error.to_string();
    let (_, message) = text.split_once(&format!("Generic {DAMAGE_MARK} error: "))?;
    Some(Error::new(Kind::Data, message))
}
