//! Whose certificates are trusted, and what is wrong with one that is not.

use std::io;
use std::path::Path;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{CertificateError, RootCertStore};

/// Where systems have the certificates that they trust.
const SYSTEM: [&str; 4] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Returns whose certificates are trusted: those in this file, else those that the system trusts.
/// `how` says what to do where it has none.
pub(crate) fn trusted(ca: Option<&Path>, how: &str) -> Result<RootCertStore, String> {
    let system = || SYSTEM.iter().map(Path::new).find(|path| path.is_file());
    let Some(path) = ca.or_else(system) else {
        return Err(format!("this system has no certificates that it trusts; {how}"));
    };
    let mut roots = RootCertStore::empty();
    let (added, _) = roots.add_parsable_certificates(certificates(path)?);
    match added {
        0 => Err(format!("there is no certificate in `{}`", path.display())),
        _ => Ok(roots),
    }
}

/// Reads a file of certificates.
pub(crate) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let text = read(path)?;
    let all = CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>();
    all.map_err(|error| format!("cannot read the certificates in `{}`: {error}", path.display()))
}

/// Reads a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))
}

/// Returns what is wrong with the certificate of the other side, where it is that. `who` names
/// those who are trusted.
pub(crate) fn not_trusted(error: &io::Error, who: &str) -> Option<String> {
    let tls = error.get_ref()?.downcast_ref::<rustls::Error>()?;
    let rustls::Error::InvalidCertificate(why) = tls else { return None };
    Some(match why {
        CertificateError::UnknownIssuer => {
            format!("its certificate is from nobody who is trusted here; {who} names who is")
        }
        CertificateError::Other(other) if other.to_string() == "CaUsedAsEndEntity" => {
            "its certificate is one of an authority; it needs one that an authority has issued"
                .to_owned()
        }
        why => format!("its certificate cannot be trusted: {why}"),
    })
}
