use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::SCRAMBLE_BYTES;

/// Whether the server has to prove by the password that the certificate is its own: what stands
/// in for a certificate that nobody has signed.
///
/// Since 11.4 a server tells at the end of a login a hash of what it has stored for the password,
/// the scramble of its greeting and the fingerprint of its certificate. Who sits in between shows
/// a certificate of his own, and cannot make that hash without knowing what the server has stored.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ServerProof {
    /// There is nothing to prove, or the certificate has proven it.
    #[default]
    NotNeeded,
    /// A proof is looked for, and the login succeeds without it.
    Wanted {
        /// The SHA-256 hash of the server's certificate in DER.
        certificate_sha256: [u8; 32],
    },
    /// Without a proof the login fails. Nothing is answered that anybody but the server could use,
    /// in as far as the password cannot be guessed: only plugins run that can prove the server,
    /// and only with a password.
    Required {
        /// The SHA-256 hash of the server's certificate in DER.
        certificate_sha256: [u8; 32],
    },
}

impl ServerProof {
    /// Whether a login fails without a proof.
    pub(super) const fn is_required(self) -> bool {
        matches!(self, Self::Required { .. })
    }

    /// The certificate to be proven.
    pub(super) const fn certificate_sha256(self) -> Option<[u8; 32]> {
        match self {
            Self::NotNeeded => None,
            Self::Wanted { certificate_sha256 } | Self::Required { certificate_sha256 } => {
                Some(certificate_sha256)
            }
        }
    }
}

/// What came of a [`ServerProof`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ServerProofOutcome {
    /// None was asked for.
    NotAsked,
    /// The server knows the password, and the certificate is its own.
    Proven,
    /// The server has not proven itself.
    Unproven(Unproven),
}

/// Why a server has not proven itself.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Unproven {
    /// The plugin or the password prove nothing.
    #[error("the login went without a password, or by a plugin that proves nothing")]
    NothingToProveBy,
    /// The server has sent no proof. One before 11.4 does not.
    #[error("the server sent no proof")]
    Missing,
    /// The server has sent a proof for another password or another certificate: somebody else
    /// may have answered in its place.
    #[error("the server's proof is not for this certificate and this password")]
    Mismatch,
}

/// Judges the `info` of the OK packet that ends a login. `stored_hash` is what the server has
/// stored for the password, `scramble` that of the greeting, whichever plugin ran.
pub(super) fn judge(
    info: &[u8],
    stored_hash: Option<&[u8]>,
    scramble: &[u8; SCRAMBLE_BYTES],
    certificate_sha256: &[u8; 32],
) -> ServerProofOutcome {
    let Some(stored_hash) = stored_hash else {
        return ServerProofOutcome::Unproven(Unproven::NothingToProveBy);
    };
    let Some(sent) = sent(info) else {
        return ServerProofOutcome::Unproven(Unproven::Missing);
    };
    let proof: [u8; PROOF_BYTES] = Sha256::new()
        .chain_update(stored_hash)
        .chain_update(scramble)
        .chain_update(certificate_sha256)
        .finalize()
        .into();
    if proof.ct_eq(&sent).into() {
        ServerProofOutcome::Proven
    } else {
        ServerProofOutcome::Unproven(Unproven::Mismatch)
    }
}

/// The proof that `info` holds: the byte 0x01 and its hexadecimal digits.
fn sent(info: &[u8]) -> Option<[u8; PROOF_BYTES]> {
    let digits = info.strip_prefix(&[0x01])?;
    let (pairs, rest) = digits.as_chunks::<2>();
    if pairs.len() != PROOF_BYTES || !rest.is_empty() {
        return None;
    }
    let mut proof = [0; PROOF_BYTES];
    for (byte, [high, low]) in proof.iter_mut().zip(pairs) {
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(proof)
}

fn nibble(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

const PROOF_BYTES: usize = 32;
