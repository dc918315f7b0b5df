//! Local paths as users write them: relative, through links, or as file URLs.

use std::collections::VecDeque;
use std::io;
use std::path::{Component, Path, PathBuf};

use lake_model::{Error, Result};
use url::Url;

/// Links that a path may lead through, as on Linux.
const MAX_LINKS: usize = 40;

/// Returns the path that a text names: a path, or a `file:///` URL, whose `%` escapes are decoded.
///
/// # Errors
/// If it is a URL of another scheme or host.
pub fn parse_local_path(text: &str) -> Result<PathBuf> {
    if text.is_empty() {
        return Err(Error::invalid("the path is empty"));
    }
    let is_scheme = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte));
    let Some((scheme, _)) = text.split_once("://").filter(|(scheme, _)| is_scheme(scheme)) else {
        return Ok(text.into());
    };
    let decoded = || Url::parse(text).ok()?.to_file_path().ok();
    match scheme.eq_ignore_ascii_case("file") {
        true => decoded().ok_or_else(|| {
            Error::invalid(format!("`{text}` is not a valid file URL: expected three slashes, as in file:///data/x"))
        }),
        false => Err(Error::invalid(format!("`{text}` is not a path: the scheme `{scheme}` is not supported here"))),
    }
}

/// Returns the absolute path without links, `.` and `..`. A part that does not exist yet is taken as it is written, so
/// that a directory has the same path before it is made as afterwards, however it is spelled.
///
/// # Errors
/// If links lead round in a circle, a name or the path is too long, or the current directory is gone.
pub(crate) fn resolve_links(path: &Path) -> io::Result<PathBuf> {
    let absolute = std::path::absolute(path)?;
    let mut open: VecDeque<PathBuf> = parts(&absolute).collect();
    let (mut resolved, mut links) = (PathBuf::from("/"), 0);
    while let Some(part) = open.pop_front() {
        if part == Path::new("..") {
            resolved.pop();
            continue;
        }
        let next = resolved.join(&part);
        let target = match std::fs::read_link(&next) {
            Ok(target) => target,
            Err(error) if error.kind() == io::ErrorKind::InvalidFilename => return Err(error),
            // Not a link, or missing, or not accessible: opening it reports which.
            Err(_) => {
                resolved = next;
                continue;
            }
        };
        links += 1;
        if links > MAX_LINKS {
            return Err(io::Error::other(format!("its symbolic links lead round in a circle at {}", next.display())));
        }
        if target.is_absolute() {
            resolved = PathBuf::from("/");
        }
        parts(&target).rev().for_each(|part| open.push_front(part));
    }
    Ok(resolved)
}

/// Returns the components of a path but its root and `.`.
fn parts(path: &Path) -> impl DoubleEndedIterator<Item = PathBuf> {
    path.components().filter_map(|component| match component {
        Component::Normal(name) => Some(PathBuf::from(name)),
        Component::ParentDir => Some(PathBuf::from("..")),
        Component::RootDir | Component::CurDir | Component::Prefix(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_path_is_the_same_before_and_after_it_is_made() {
        let folder = tempfile::tempdir().expect("a directory");
        let root = folder.path().canonicalize().expect("a path");
        let join = |name: &str| root.join(name);
        std::fs::create_dir_all(join("real/deep")).expect("directories");
        symlink(join("real"), join("link")).expect("a link");
        symlink("real/deep", join("short")).expect("a link");
        symlink(join("real/new"), join("dangling")).expect("a link");
        let spellings = [
            ("real/new", "real/new"),
            ("link/new", "real/new"),
            ("short/../new", "real/new"),
            ("dangling", "real/new"),
            ("./real/./new/", "real/new"),
            ("absent/../real/new", "real/new"),
            ("link/deep/../../link/new", "real/new"),
        ];
        for made in [false, true] {
            for (spelled, meant) in spellings {
                assert_eq!(resolve_links(&join(spelled)).expect(spelled), join(meant), "{spelled}, made: {made}");
            }
            std::fs::create_dir_all(join("real/new")).expect("a directory");
        }
    }

    #[test]
    fn links_in_a_circle_are_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        symlink(folder.path().join("b"), folder.path().join("a")).expect("a link");
        symlink(folder.path().join("a"), folder.path().join("b")).expect("a link");
        let error = resolve_links(&folder.path().join("a/lake")).expect_err("a circle").to_string();
        assert!(error.contains("circle"), "{error}");
    }

    #[test]
    fn a_name_that_is_too_long_is_refused() {
        let folder = tempfile::tempdir().expect("a directory");
        for path in ["x".repeat(300), "dir/".repeat(2000)] {
            let error = resolve_links(&folder.path().join(path)).expect_err("too long").to_string();
            assert!(error.contains("too long"), "{error}");
        }
    }

    #[test]
    fn a_file_url_is_decoded_and_a_path_is_not() {
        assert_eq!(parse_local_path("file:///a%20b/100%25").expect("a URL"), PathBuf::from("/a b/100%"));
        assert_eq!(parse_local_path("file://localhost/a").expect("a URL"), PathBuf::from("/a"));
        for path in ["a%20b", "/a://b", "./file:///a"] {
            assert_eq!(parse_local_path(path).expect("a path"), PathBuf::from(path));
        }
        for wrong in ["", "file://host/a", "http://a/b", "gs://b/x"] {
            parse_local_path(wrong).expect_err(wrong);
        }
    }
}
