//! The certificate that a server shows, over HTTP as over Flight SQL.

use std::error::Error;
use std::fmt::{self, Display};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use lake_model::{Kind, Result, ResultExt, read_file};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How long TLS may take to begin for a client.
pub(crate) const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// A certificate and its private key, read and found to belong together.
#[derive(Clone)]
pub struct Identity {
    certificate: Vec<u8>,
    key: Vec<u8>,
    config: Arc<ServerConfig>,
    /// Where it was read from.
    named: String,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("named", &self.named).finish_non_exhaustive()
    }
}

impl Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named)
    }
}

impl Identity {
    /// Reads a certificate, with the certificates that lead to its authority after it, and its key: PEM files.
    ///
    /// # Errors
    /// If one cannot be read, or they do not belong together.
    pub fn read(certificate: &Path, key: &Path) -> Result<Self> {
        let named = format!("the certificate {} with the key {}", certificate.display(), key.display());
        let (certificate, key) = (read_file(certificate)?, read_file(key)?);
        // Two implementations are linked in; without a choice none is used. One that was chosen before is as good.
        let _ = ring::default_provider().install_default();
        let config = config(&certificate, &key).or_err(Kind::Invalid, || named.clone())?;
        Ok(Self { certificate, key, config: Arc::new(config), named })
    }

    /// Returns the acceptor that begins TLS on a socket of HTTP.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }

    /// Returns the same identity for gRPC.
    pub(crate) fn pem(&self) -> tonic::transport::Identity {
        tonic::transport::Identity::from_pem(&self.certificate, &self.key)
    }
}

fn config(certificate: &[u8], key: &[u8]) -> std::result::Result<ServerConfig, Box<dyn Error + Send + Sync>> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(certificate).collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(key)?;
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let mut config =
        builder.with_safe_default_protocol_versions()?.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
