//! TLS with one key pair and a certificate of its own for every host.
//!
//! A browser reuses an HTTP/2 connection for a second host if the certificate covers it and the address is the
//! same (RFC 9113, 9.1.1). Here every host has the same address, so a shared certificate would mix the traffic
//! of all hosts on one connection, which no real site does. One key pair means one pin for the browser.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SigningKey};
use sha2::{Digest, Sha256};

use super::LoopbackError;

/// Past this many host names another's certificate is shown instead of a new one.
const MOST_CERTIFICATES: usize = 512;

/// The server's TLS configuration, and the pin by which a browser is told to trust it.
pub(crate) struct Identity {
    pub(crate) config: Arc<ServerConfig>,
    /// The same, without HTTP/2.
    pub(crate) http1_config: Arc<ServerConfig>,
    /// Base64 of the SHA-256 of the SubjectPublicKeyInfo.
    pub(crate) spki_sha256_base64: String,
}

impl Identity {
    /// Makes a fresh key pair. `host` is shown where a client asks for none.
    pub(crate) fn new(host: &str) -> Result<Identity, LoopbackError> {
        let key_pair = KeyPair::generate()?;
        let spki_sha256_base64 =
            data_encoding::BASE64.encode(&Sha256::digest(key_pair.subject_public_key_info()));
        let certificates = Arc::new(HostCertificates::new(host, key_pair)?);

        // The provider is named so that no process-wide default has to be installed, or can interfere.
        let mut config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(certificates);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let http1_config = Arc::new(config.clone());
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(Identity {
            config: Arc::new(config),
            http1_config,
            spki_sha256_base64,
        })
    }
}

/// Finds, or makes, the certificate of the host that a client asks for.
struct HostCertificates {
    key_pair: KeyPair,
    signing_key: Arc<dyn SigningKey>,
    fallback: Arc<CertifiedKey>,
    by_host: Mutex<HashMap<String, Arc<CertifiedKey>>>,
}

impl HostCertificates {
    fn new(host: &str, key_pair: KeyPair) -> Result<HostCertificates, LoopbackError> {
        let key_der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key_pair.serialize_der()));
        let signing_key = ring::sign::any_supported_type(&key_der)?;
        let fallback = Arc::new(self_signed(host, &key_pair, &signing_key)?);
        Ok(HostCertificates {
            key_pair,
            signing_key,
            by_host: Mutex::new(HashMap::from([(host.to_owned(), Arc::clone(&fallback))])),
            fallback,
        })
    }

    fn for_host(&self, host: &str) -> Arc<CertifiedKey> {
        let mut by_host = self.by_host.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(certificate) = by_host.get(host) {
            return Arc::clone(certificate);
        }
        if by_host.len() >= MOST_CERTIFICATES {
            return Arc::clone(&self.fallback);
        }
        match self_signed(host, &self.key_pair, &self.signing_key) {
            Ok(certificate) => {
                let certificate = Arc::new(certificate);
                by_host.insert(host.to_owned(), Arc::clone(&certificate));
                certificate
            }
            Err(error) => {
                tracing::debug!(host, %error, "no certificate for this host; showing another's");
                Arc::clone(&self.fallback)
            }
        }
    }
}

impl ResolvesServerCert for HostCertificates {
    fn resolve(&self, client_hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        // A client that connects to a bare IP address sends no name.
        match client_hello.server_name() {
            Some(host) => Some(self.for_host(&host.to_ascii_lowercase())),
            None => Some(Arc::clone(&self.fallback)),
        }
    }
}

impl fmt::Debug for HostCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostCertificates").finish_non_exhaustive()
    }
}

fn self_signed(
    host: &str,
    key_pair: &KeyPair,
    signing_key: &Arc<dyn SigningKey>,
) -> Result<CertifiedKey, rcgen::Error> {
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    params.distinguished_name.push(DnType::CommonName, host);
    let certificate = params.self_signed(key_pair)?;
    Ok(CertifiedKey::new(
        vec![certificate.der().clone()],
        Arc::clone(signing_key),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_host_has_a_certificate_of_its_own() -> Result<(), LoopbackError> {
        let certificates = HostCertificates::new("site.example", KeyPair::generate()?)?;
        let site = certificates.for_host("site.example");
        let unknown = certificates.for_host("unknown.example");
        assert_ne!(site.cert, certificates.for_host("other.example").cert);
        assert_ne!(site.cert, unknown.cert);
        assert_eq!(
            unknown.cert,
            certificates.for_host("unknown.example").cert,
            "made once"
        );
        Ok(())
    }

    #[test]
    fn the_pin_is_a_base64_sha256() -> Result<(), LoopbackError> {
        let pin = Identity::new("site.example")?.spki_sha256_base64;
        assert_eq!(
            data_encoding::BASE64
                .decode(pin.as_bytes())
                .map(|bytes| bytes.len()),
            Ok(32)
        );
        Ok(())
    }
}
