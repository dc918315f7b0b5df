//! Where a lake is: a local directory or a prefix of an S3 bucket.

use std::path::PathBuf;
use std::sync::Arc;

use lake_model::{Error, Kind, Result, ResultExt};
use object_store::ObjectStore;
use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::path::Path;
use url::Url;

use crate::DurableLocal;
use crate::guard::Guard;

/// A store, and the place in it under which the lake's tables lie.
#[derive(Clone, Debug)]
pub struct Location {
    /// The whole store, from its root; what it answers was checked.
    pub store: Arc<dyn ObjectStore>,
    pub(crate) guard: Arc<Guard>,
    /// The store's URL: `file:///` or `s3://bucket`.
    pub store_url: Url,
    /// The lake's folder, with a trailing slash.
    pub url: Url,
    /// The lake's folder within the store.
    pub prefix: Path,
    /// The lake's directory, where it is local.
    pub directory: Option<PathBuf>,
}

impl Location {
    /// Parses `PATH` or `s3://BUCKET/PREFIX` and makes the store; nothing is read yet.
    ///
    /// # Errors
    /// If the text is no place a lake can be.
    pub fn parse(text: &str) -> Result<Self> {
        if let Some(rest) = text.strip_prefix("s3://") {
            return Self::s3(text, rest);
        }
        if let Some((scheme, _)) = text.split_once("://") {
            return Err(Error::invalid(format!(
                "`{text}` is no place for a lake: `{scheme}` is not known; give a directory or s3://BUCKET/PREFIX"
            )));
        }
        let directory = std::path::absolute(text).or_err(Kind::Invalid, || format!("`{text}` is no path"))?;
        let no_url = || Error::invalid(format!("`{text}` cannot be written as a URL; give another directory"));
        let url = Url::from_directory_path(&directory).map_err(|()| no_url())?;
        let prefix = Path::from_absolute_path(&directory).or_err(Kind::Invalid, || format!("`{text}` is no path"))?;
        let store_url = Url::parse("file:///").or_err(Kind::Internal, || "the root URL")?;
        let guard = guard(Arc::new(DurableLocal::default()), &store_url, &prefix);
        Ok(Self { store: Arc::clone(&guard) as _, guard, store_url, url, prefix, directory: Some(directory) })
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
        let parse = |url: String| Url::parse(&url).or_err(Kind::Invalid, || format!("`{text}` is no URL"));
        let prefix =
            Path::parse(prefix.trim_matches('/')).or_err(Kind::Invalid, || format!("`{text}` is no prefix"))?;
        let url =
            if prefix.as_ref().is_empty() { format!("s3://{bucket}/") } else { format!("s3://{bucket}/{prefix}/") };
        let store_url = parse(format!("s3://{bucket}"))?;
        let guard = guard(Arc::new(store), &store_url, &prefix);
        Ok(Self { store: Arc::clone(&guard) as _, guard, store_url, url: parse(url)?, prefix, directory: None })
    }

    /// A place in a store that is there already, such as one in memory; `store_url` is what the engine knows it by.
    ///
    /// # Errors
    /// If the prefix makes no URL.
    pub fn in_store(store: Arc<dyn ObjectStore>, store_url: Url, prefix: Path) -> Result<Self> {
        let url =
            store_url.join(&format!("/{prefix}/")).or_err(Kind::Invalid, || format!("`{prefix}` is no prefix"))?;
        let guard = guard(store, &store_url, &prefix);
        Ok(Self { store: Arc::clone(&guard) as _, guard, store_url, url, prefix, directory: None })
    }

    /// The same place, its store behind another: what stands between the lake and the disk sees every operation.
    #[must_use]
    pub fn behind(mut self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        self.guard = guard(wrap(self.guard.inner()), &self.store_url, &self.prefix);
        self.store = Arc::clone(&self.guard) as _;
        self
    }

    /// The path of `name` under the lake, within the store.
    pub fn path(&self, name: &str) -> Path {
        name.split('/').fold(self.prefix.clone(), |path, part| path.join(part))
    }
}

/// What the environment says of S3. A variable without a value is as good as none.
fn s3_builder() -> AmazonS3Builder {
    let settings = std::env::vars_os().filter_map(|(name, value)| {
        let (name, value) = (name.into_string().ok()?, value.into_string().ok()?);
        let key = name.starts_with("AWS_").then(|| name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>().ok())??;
        (!value.is_empty()).then_some((key, value))
    });
    settings.fold(AmazonS3Builder::new(), |builder, (key, value)| builder.with_config(key, value))
}

/// The guard of a store; it names files as the user does.
fn guard(store: Arc<dyn ObjectStore>, store_url: &Url, lake: &Path) -> Arc<Guard> {
    let root = store_url.as_str().trim_start_matches("file://").trim_end_matches('/');
    Arc::new(Guard::new(store, format!("{root}/"), lake.clone()))
}

impl std::fmt::Display for Location {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.directory {
            Some(directory) => write!(f, "{}", directory.display()),
            None => f.write_str(self.url.as_str().trim_end_matches('/')),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_with_spaces_and_a_relative_path_are_places() {
        let place = Location::parse("a lake/here").expect("a place");
        assert!(place.url.as_str().ends_with("a%20lake/here/"), "{}", place.url);
        assert!(place.directory.expect("local").is_absolute());
    }

    #[test]
    fn an_unknown_scheme_says_what_there_is() {
        let error = Location::parse("gs://b/x").expect_err("unknown").to_string();
        assert!(error.contains("s3://BUCKET/PREFIX"), "{error}");
    }
}
