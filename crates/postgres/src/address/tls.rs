//! Encrypted connections, with the meanings that libpq gives to `sslmode`.

use crate::error::Error;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use std::sync::Arc;
use tokio_postgres_rustls::MakeRustlsConnect;

/// A connector that checks the server as far as `sslmode` asks: `verify-full` its certificate and its name, `verify-ca` its
/// certificate, all others nothing.
pub(super) fn connector(sslmode: &str, rootcert: &str) -> Result<MakeRustlsConnect, Error> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::Address(error.to_string()))?;
    let check = match sslmode {
        "verify-full" => Check::Name(chain(rootcert, &provider)?),
        "verify-ca" => Check::Chain(chain(rootcert, &provider)?),
        // As libpq has it: who names a root wants it checked.
        "require" if !rootcert.is_empty() => Check::Chain(chain(rootcert, &provider)?),
        _ => Check::Nothing,
    };
    let verifier = Arc::new(Verifier { check, provider });
    let config = builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

/// Checks against the roots in a file, or against those that the system trusts.
fn chain(rootcert: &str, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Error> {
    let mut roots = RootCertStore::empty();
    if rootcert.is_empty() || rootcert == "system" {
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    } else {
        let unreadable = |error| Error::Address(format!("cannot read the certificates in {rootcert}: {error}"));
        for found in CertificateDer::pem_file_iter(rootcert).map_err(unreadable)? {
            let added = roots.add(found.map_err(unreadable)?);
            added.map_err(|error| Error::Address(format!("a certificate in {rootcert} is of no use: {error}")))?;
        }
    }
    if roots.is_empty() {
        let message = "no certificate to check the server's against; name a file with sslrootcert".into();
        return Err(Error::Address(message));
    }
    let built = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build();
    built.map_err(|error| Error::Address(error.to_string()))
}

#[derive(Debug)]
enum Check {
    Nothing,
    Chain(Arc<WebPkiServerVerifier>),
    Name(Arc<WebPkiServerVerifier>),
}

#[derive(Debug)]
struct Verifier {
    check: Check,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        match &self.check {
            Check::Nothing => Ok(ServerCertVerified::assertion()),
            Check::Name(chain) => chain.verify_server_cert(certificate, between, name, ocsp, now),
            Check::Chain(chain) => match chain.verify_server_cert(certificate, between, name, ocsp, now) {
                // The name is looked at last: all else was in order.
                Err(rustls::Error::InvalidCertificate(
                    CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
                )) => Ok(ServerCertVerified::assertion()),
                result => result,
            },
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
