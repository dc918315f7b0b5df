//! The error type of the program: what the caller should do ([`Kind`]), and a text that names the object, the place and
//! the remedy.

use std::fmt;
use std::io::ErrorKind;

use strum::VariantArray;

use crate::redact;

/// The remedies of an error. Exit codes, HTTP statuses and gRPC codes follow from them, in one table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Kind {
    /// The request, the configuration or the SQL is wrong: fix it.
    Invalid,
    /// Creates the error of an object that does not exist.
    NotFound,
    /// It existed and is gone for good: request the current version.
    Gone,
    /// Somebody else committed first: try again.
    Conflict,
    /// The answer needs more than may be used: ask for less.
    Exhausted,
    /// It took longer than it may: ask for less.
    TimedOut,
    /// Too many requests: try again later.
    Busy,
    /// The portal or the store did not answer: try again.
    Unavailable,
    /// The caller is not known: give a token.
    Unauthenticated,
    /// Not allowed.
    Denied,
    /// Stored bytes are not what was written.
    Data,
    /// A bug.
    Internal,
}

/// The name of each kind, its exit code, HTTP status and gRPC code.
struct Row {
    title: &'static str,
    exit_code: u8,
    http_status: u16,
    /// <https://grpc.io/docs/guides/status-codes/>
    grpc_code: i32,
}

const fn row(title: &'static str, exit_code: u8, http_status: u16, grpc_code: i32) -> Row {
    Row { title, exit_code, http_status, grpc_code }
}

impl Kind {
    /// Returns every kind.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::VARIANTS.iter().copied()
    }

    fn row(self) -> Row {
        match self {
            Self::Invalid => row("invalid request", 2, 400, 3),
            Self::NotFound => row("not found", 2, 404, 5),
            Self::Gone => row("gone", 2, 410, 9),
            Self::Conflict => row("conflict", 4, 409, 10),
            Self::Exhausted => row("limit reached", 4, 422, 8),
            Self::TimedOut => row("too slow", 4, 504, 4),
            Self::Busy => row("too many requests", 4, 429, 8),
            Self::Unavailable => row("unavailable", 4, 503, 14),
            Self::Unauthenticated => row("token needed", 2, 401, 16),
            Self::Denied => row("not allowed", 2, 403, 7),
            Self::Data => row("damaged data", 5, 500, 15),
            Self::Internal => row("internal error", 70, 500, 13),
        }
    }

    /// Returns the exit code of a command that ends with this kind of error.
    pub fn exit_code(self) -> u8 {
        self.row().exit_code
    }

    /// Returns the HTTP status of an answer that ends with this kind of error.
    pub fn http_status(self) -> u16 {
        self.row().http_status
    }

    /// Returns the gRPC code of a call that ends with this kind of error.
    pub fn grpc_code(self) -> i32 {
        self.row().grpc_code
    }

    /// Returns a short title, the same for every error of the kind.
    pub fn title(self) -> &'static str {
        self.row().title
    }
}

/// An error with its kind, its text and, where there is one, its cause.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

/// The result of everything that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Returns an error of `kind` whose text names the thing, the place and the remedy.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), source: None }
    }

    /// Returns an error of a wrong request or configuration.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Kind::Invalid, message)
    }

    /// Creates the error of an object that does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Kind::NotFound, message)
    }

    /// Returns an error that is a bug of the program.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Kind::Internal, message)
    }

    /// Keeps the cause with the text.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Puts the larger work in front of the text: "landing 311-cases: ...".
    #[must_use]
    pub fn context(mut self, work: impl fmt::Display) -> Self {
        self.message = format!("{work}: {}", self.message);
        self
    }

    /// Returns what the caller can do about it.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// Returns the text without its causes.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Returns whether the system refused access to a file, a directory or a bucket: trying again does not help.
    pub fn is_permission_denied(&self) -> bool {
        let mut causes = std::iter::successors(Some(self as &(dyn std::error::Error + 'static)), |e| e.source());
        causes.any(|cause| match cause.downcast_ref::<std::io::Error>() {
            Some(error) => {
                matches!(error.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem)
            }
            // Some libraries pass on only the text of what failed below them.
            None => PERMISSION_TEXTS.iter().any(|text| cause.to_string().contains(text)),
        })
    }

    /// Returns the exit code of a command that ends with this error.
    pub fn exit_code(&self) -> u8 {
        match self.kind {
            Kind::Unavailable if self.is_permission_denied() => Kind::Denied.exit_code(),
            kind => kind.exit_code(),
        }
    }
}

/// EPERM, EACCES, EROFS, and the errors of object stores for status 403.
const PERMISSION_TEXTS: [&str; 4] =
    ["(os error 1)", "(os error 13)", "(os error 30)", "lacked the necessary privileges to complete"];

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut whole = self.message.clone();
        let mut cause = self.source.as_deref().map(|s| s as &dyn std::error::Error);
        let mut said = self.message.clone();
        while let Some(error) = cause {
            let text = error.to_string();
            // Many libraries repeat their cause in their own text.
            if !said.contains(&text) {
                whole.push_str(": ");
                whole.push_str(&text);
                said = text;
            }
            cause = error.source();
        }
        // Libraries and stores quote what they were given: addresses with passwords, session tokens.
        f.write_str(&redact(&whole))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn std::error::Error + 'static))
    }
}

/// Turns a library's error into ours, with a kind and the work that failed.
pub trait ResultExt<T> {
    /// Maps the error to `kind`, with `work` as its text and the library's error as its cause.
    ///
    /// # Errors
    /// The mapped error, where there was one.
    fn or_err<W: fmt::Display>(self, kind: Kind, work: impl FnOnce() -> W) -> Result<T>;
}

impl<T, E: Into<Box<dyn std::error::Error + Send + Sync>>> ResultExt<T> for std::result::Result<T, E> {
    fn or_err<W: fmt::Display>(self, kind: Kind, work: impl FnOnce() -> W) -> Result<T> {
        self.map_err(|source| {
            let source = source.into();
            // Damage stays damage, whatever it came up in.
            let kind = if is_damage(source.as_ref()) { Kind::Data } else { kind };
            Error::new(kind, work().to_string()).with_source(source)
        })
    }
}

fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .any(|cause| cause.downcast_ref::<Error>().is_some_and(|ours| ours.kind == Kind::Data))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trying_again_is_not_offered_where_access_is_refused() {
        let denied = |error: std::io::Error| Error::new(Kind::Unavailable, "the lake").with_source(error);
        assert_eq!(denied(ErrorKind::PermissionDenied.into()).exit_code(), 2);
        assert_eq!(denied(std::io::Error::other("LocalFileSystem: Read-only (os error 30)")).exit_code(), 2);
        assert_eq!(denied(ErrorKind::TimedOut.into()).exit_code(), 4);
        assert_eq!(Error::new(Kind::Data, "x").with_source(std::io::Error::other("(os error 13)")).exit_code(), 5);
    }
}
