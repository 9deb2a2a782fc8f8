use otaria_auth::ServerProof;
use rustls::Error;
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use sha2::{Digest, Sha256};

use super::TlsError;
use super::context::Policy;
use super::error::problem;
use crate::{CertificateProblem, PasswordProblem, SslMode, TlsProof};

/// What a server's certificate says about it, and what the login has still to find out.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) proof: TlsProof,
    pub(crate) server_proof: ServerProof,
}

/// Judges the certificates that the peer has shown, in this connection or in the one that it
/// resumes. `time` is now. A connection within the machine needs no proof.
pub(super) fn judge(
    policy: &Policy,
    certificates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    is_local: bool,
    time: UnixTime,
) -> Result<Verdict, TlsError> {
    let Some((leaf, intermediates)) = certificates.split_first() else {
        return Err(TlsError::Certificate(CertificateProblem::Missing));
    };
    let problem = match check(policy, leaf, intermediates, name, time) {
        Ok(proof) => return Ok(proven(proof)),
        Err(problem) => problem,
    };
    let is_final = matches!(
        problem,
        CertificateProblem::Expired
            | CertificateProblem::NotYetValid
            | CertificateProblem::Revoked
            | CertificateProblem::WrongFingerprint
    );
    if is_final {
        return Err(TlsError::Certificate(problem));
    }
    if is_local {
        return Ok(proven(TlsProof::LocalSocket));
    }
    // An authority of the configuration's own is to be the only one to prove anything.
    let is_unknown = matches!(
        problem,
        CertificateProblem::UntrustedIssuer | CertificateProblem::Authority
    );
    let may_prove_by_password = is_unknown && policy.ca.is_none();
    let must_be_proven = matches!(policy.mode, SslMode::VerifyCa | SslMode::VerifyFull);
    if must_be_proven && !may_prove_by_password {
        return Err(TlsError::Certificate(problem));
    }
    let certificate_sha256 = Sha256::digest(leaf).into();
    Ok(Verdict {
        proof: TlsProof::Unproven {
            certificate: problem,
            password: PasswordProblem::NotWanted,
        },
        server_proof: match (may_prove_by_password, must_be_proven) {
            (false, _) => ServerProof::NotNeeded,
            (true, false) => ServerProof::Wanted { certificate_sha256 },
            (true, true) => ServerProof::Required { certificate_sha256 },
        },
    })
}

const fn proven(proof: TlsProof) -> Verdict {
    Verdict {
        proof,
        server_proof: ServerProof::NotNeeded,
    }
}

fn check(
    policy: &Policy,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    time: UnixTime,
) -> Result<TlsProof, CertificateProblem> {
    let issued = check_chain(policy, leaf, intermediates, time).map_err(problem_of);
    match issued {
        // Time is looked at first: the rest says nothing of it.
        Err(problem @ (CertificateProblem::Expired | CertificateProblem::NotYetValid)) => {
            Err(problem)
        }
        _ if !policy.fingerprints.is_empty() => {
            let mut fingerprints = policy.fingerprints.iter();
            if fingerprints.any(|fingerprint| fingerprint.matches(leaf)) {
                Ok(TlsProof::Fingerprint)
            } else {
                Err(CertificateProblem::WrongFingerprint)
            }
        }
        // What can be trusted to issue others can be trusted to be itself.
        Err(CertificateProblem::Authority) if is_trusted(policy, leaf) => {
            check_name(policy, leaf, name)
        }
        Ok(()) => check_name(policy, leaf, name),
        Err(problem) => Err(problem),
    }
}

fn problem_of(error: Error) -> CertificateProblem {
    match error {
        Error::InvalidCertificate(error) => problem(&error),
        error => CertificateProblem::Invalid(error.to_string()),
    }
}

/// Whether `leaf` is itself among the authorities that the configuration names.
fn is_trusted(policy: &Policy, leaf: &CertificateDer<'_>) -> bool {
    policy.ca.iter().flatten().any(|ca| ca == leaf)
}

/// Compares the names of a certificate that is trusted, where they are to be compared.
fn check_name(
    policy: &Policy,
    leaf: &CertificateDer<'_>,
    name: &ServerName<'_>,
) -> Result<TlsProof, CertificateProblem> {
    if policy.mode == SslMode::VerifyCa {
        return Ok(TlsProof::CertificateAuthority);
    }
    let leaf = ParsedCertificate::try_from(leaf);
    let named = leaf.and_then(|leaf| verify_server_name(&leaf, name));
    named.map_err(problem_of)?;
    Ok(TlsProof::Certificate)
}

fn check_chain(
    policy: &Policy,
    leaf: &CertificateDer<'_>,
    intermediates: &[CertificateDer<'_>],
    time: UnixTime,
) -> Result<(), Error> {
    let leaf = ParsedCertificate::try_from(leaf)?;
    verify_server_cert_signed_by_trust_anchor(
        &leaf,
        &policy.roots,
        intermediates,
        time,
        policy.algorithms.all,
    )
}

#[cfg(test)]
mod tests;
