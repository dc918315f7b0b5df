//! Where a lake is: a local directory or a prefix of an S3 bucket.

use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;

use lake_model::{Error, Kind, Result, ResultExt};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use url::Url;

use crate::DurableLocal;
use crate::objects::checksummed_store::ChecksummedStore;
use crate::objects::local_path::{parse_local_path, resolve_links};

/// The URL under which the logs of a local lake refer to its store.
const LOCAL_LOG_URL: &str = "lake:///";

/// A store whose root is the lake's folder.
///
/// Paths in it never hold the name of that folder: it may have characters that URLs and stores spell in several ways.
#[derive(Clone, Debug)]
pub struct Location {
    /// The lake's objects, by their paths under its folder; its answers are verified.
    pub store: Arc<dyn ObjectStore>,
    pub(crate) checked_store: Arc<ChecksummedStore>,
    /// The URL under which the logs of a remote store refer to it: `s3://bucket`.
    store_url: Url,
    /// The lake's directory without links, where it is local.
    pub directory: Option<PathBuf>,
    /// Whether another store stands before that of the directory, and sees every operation.
    is_wrapped: bool,
    /// The complete store, and the lake's folder in it.
    base: Arc<dyn ObjectStore>,
    folder: Path,
    /// Its name for users.
    name: String,
}

impl Location {
    /// Parses `PATH`, `file:///PATH` or `s3://BUCKET/PREFIX` and makes the store; nothing is read yet but links.
    ///
    /// # Errors
    /// If the text is not a place a lake can be.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("s3://") {
            return Self::s3(text, rest);
        }
        let path = parse_local_path(text).map_err(|error| {
            Error::invalid(format!("{error}; a lake is a directory, file:///DIRECTORY or s3://BUCKET/PREFIX"))
        })?;
        let directory = resolve_links(&path).or_err(Kind::Invalid, || format!("`{text}` cannot be a lake"))?;
        if let Some(file) = directory.ancestors().find(|ancestor| ancestor.exists()).filter(|there| !there.is_dir()) {
            let what = format!("`{text}` cannot be a lake: {} is not a directory", file.display());
            return Err(Error::invalid(what));
        }
        let folder = Path::from_absolute_path(&directory)
            .or_err(Kind::Invalid, || format!("`{text}` cannot be a lake: expected a path of UTF-8 text"))?;
        let store_url = Url::parse("file:///").or_err(Kind::Internal, || "the root URL")?;
        let place = Self::new(Arc::new(DurableLocal::default()), store_url, folder, directory.display().to_string());
        Ok(Self { directory: Some(directory), ..place })
    }

    fn s3(text: &str, rest: &str) -> Result<Self> {
        let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        if bucket.is_empty() {
            return Err(Error::invalid(format!("`{text}` names no bucket; write s3://BUCKET/PREFIX")));
        }
        let mut builder = s3_builder().with_bucket_name(bucket);
        if let Some(endpoint) = std::env::var("AWS_ENDPOINT_URL").ok().filter(|endpoint| !endpoint.is_empty()) {
            builder = builder.with_allow_http(endpoint.starts_with("http://")).with_endpoint(endpoint);
        }
        let store = builder.build().or_err(Kind::Invalid, || format!("the store of `{text}`"))?;
        let store_url =
            Url::parse(&format!("s3://{bucket}")).or_err(Kind::Invalid, || format!("`{text}` is not a valid URL"))?;
        let folder = Path::parse(prefix.trim_matches('/'))
            .or_err(Kind::Invalid, || format!("`{text}` is not a valid prefix"))?;
        let name = format!("s3://{bucket}/{folder}");
        Ok(Self::new(Arc::new(store), store_url, folder, name.trim_end_matches('/').to_owned()))
    }

    /// Returns a location in a store that exists already, such as one in memory; `store_url` is how logs refer to it.
    ///
    /// # Errors
    /// If the URL cannot hold the names of tables.
    pub fn in_store(store: Arc<dyn ObjectStore>, store_url: Url, folder: Path) -> Result<Self> {
        let shown = store_url
            .join(&format!("/{folder}"))
            .or_err(Kind::Invalid, || format!("`{folder}` is not a valid prefix"))?;
        let name = shown.as_str().trim_end_matches('/').to_owned();
        Ok(Self::new(store, store_url, folder, name))
    }

    fn new(base: Arc<dyn ObjectStore>, store_url: Url, folder: Path, name: String) -> Self {
        let checked_store = Arc::new(open_checksummed_store(&base, &folder));
        let store = Arc::clone(&checked_store) as _;
        Self { store, checked_store, store_url, directory: None, is_wrapped: false, base, folder, name }
    }

    /// Returns the same location with its store wrapped in another, which sees every operation.
    #[must_use]
    pub fn wrap_store(self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        let cache_bytes = self.checked_store.max_cache_bytes();
        let place = Self::new(wrap(self.base), self.store_url, self.folder, self.name);
        Self { directory: self.directory, is_wrapped: true, ..place }.with_block_cache(cache_bytes)
    }

    /// Returns the lake's directory if looking at it says as much as asking the store.
    pub(crate) fn watched_directory(&self) -> Option<&FsPath> {
        self.directory.as_deref().filter(|_| !self.is_wrapped)
    }

    /// Returns the same location with this much memory for verified blocks.
    #[must_use]
    pub fn with_block_cache(mut self, max_bytes: usize) -> Self {
        self.checked_store = Arc::new(open_checksummed_store(&self.base, &self.folder).with_cache(max_bytes));
        self.store = Arc::clone(&self.checked_store) as _;
        self
    }

    /// Returns the memory for checked blocks, bytes.
    pub fn block_cache_bytes(&self) -> usize {
        self.checked_store.max_cache_bytes()
    }

    /// Returns the path of `name` under the lake, within the store.
    pub fn path(&self, name: &str) -> Path {
        name.split('/').collect()
    }

    /// Returns the URL of a table as its log refers to it: under the store's root, which is the lake's folder.
    ///
    /// # Errors
    /// If the name makes no URL.
    pub(crate) fn table_url(&self, name: &str) -> Result<Url> {
        // The readers of logs resolve the links of a `file:` URL themselves, and look for it on the disk.
        let root = if self.directory.is_some() { LOCAL_LOG_URL } else { self.store_url.as_str() };
        let url = Url::parse(root).and_then(|root| root.join(&format!("/{name}/")));
        url.or_err(Kind::Internal, || format!("the URL of table {name}"))
    }
}

/// Returns the S3 settings of the environment. An empty variable counts as unset.
fn s3_builder() -> AmazonS3Builder {
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok())??;
        (!value.is_empty()).then_some((key, value))
    });
    settings.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

/// Returns a checked store over a lake's folder in a store.
fn open_checksummed_store(base: &Arc<dyn ObjectStore>, folder: &Path) -> ChecksummedStore {
    ChecksummedStore::new(Arc::new(PrefixStore::new(Arc::clone(base), folder.clone())))
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_made_absolute() {
        let place = Location::parse("a lake/here").expect("a place");
        let directory = place.directory.expect("local");
        assert_eq!(directory, std::env::current_dir().expect("a directory").join("a lake/here"));
    }

    #[test]
    fn an_unknown_scheme_is_refused_with_those_there_are() {
        let error = Location::parse("gs://b/x").expect_err("unknown").to_string();
        assert!(error.contains("s3://BUCKET/PREFIX"), "{error}");
    }

    #[test]
    fn a_lake_cannot_be_in_a_file() {
        for text in ["Cargo.toml", "Cargo.toml/lake"] {
            let error = Location::parse(text).expect_err(text);
            assert_eq!(error.kind(), Kind::Invalid);
            assert!(error.to_string().contains("Cargo.toml is not a directory"), "{error}");
        }
    }
}
