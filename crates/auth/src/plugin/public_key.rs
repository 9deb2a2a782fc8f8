use std::fmt::{self, Debug, Formatter};

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OaepPublicEncryptingKey, PublicEncryptingKey};
use rustls_pki_types::SubjectPublicKeyInfoDer;
use rustls_pki_types::pem::PemObject;
use zeroize::Zeroizing;

use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// A server's RSA key.
pub(super) struct PublicKey(OaepPublicEncryptingKey);

impl PublicKey {
    /// Reads `-----BEGIN PUBLIC KEY-----` and what belongs to it.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, AuthError> {
        let der = SubjectPublicKeyInfoDer::from_pem_slice(pem);
        let der = der.map_err(|_| AuthError::InvalidPublicKey)?;
        let key = PublicEncryptingKey::from_der(&der);
        let key = key.map_err(|_| AuthError::InvalidPublicKey)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| AuthError::InvalidPublicKey)?;
        Ok(Self(key))
    }

    /// The password and a NUL, masked by the scramble so that no two logins send the same, and
    /// encrypted.
    pub(super) fn encrypt(
        &self,
        password: &Password,
        scramble: &[u8; SCRAMBLE_BYTES],
    ) -> Result<Vec<u8>, AuthError> {
        let with_nul = password.as_bytes().iter().chain(&[0]);
        let masked = with_nul.zip(scramble.iter().cycle());
        let masked: Zeroizing<Vec<u8>> =
            Zeroizing::new(masked.map(|(byte, mask)| byte ^ mask).collect());
        let limit = self.0.max_plaintext_size(&OAEP_SHA1_MGF1SHA1);
        if masked.len() > limit {
            return Err(AuthError::PasswordTooLong {
                limit: limit.saturating_sub(1),
            });
        }
        let mut encrypted = vec![0; self.0.ciphertext_size()];
        let algorithm = &OAEP_SHA1_MGF1SHA1;
        let written = self.0.encrypt(algorithm, &masked, &mut encrypted, None);
        let length = written.map_err(|_| AuthError::InvalidPublicKey)?.len();
        encrypted.truncate(length);
        Ok(encrypted)
    }
}

impl Debug for PublicKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("bits", &self.0.key_size_bits())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{RsaServer, SCRAMBLE};

    fn long(bytes: usize) -> Password {
        Password::new(vec![b'x'; bytes])
    }

    #[test]
    fn the_server_reads_the_password_and_its_nul() {
        let server = RsaServer::new();
        let key = PublicKey::from_pem(server.public_key().as_bytes()).unwrap();
        for password in [
            "secret",
            "",
            "a password longer than the scramble of 20 bytes",
        ] {
            let encrypted = key.encrypt(&Password::from(password), &SCRAMBLE).unwrap();
            assert_eq!(encrypted.len(), 256);
            assert_eq!(
                server.decrypt(&encrypted),
                format!("{password}\0").as_bytes()
            );
        }
    }

    #[test]
    fn a_password_too_long_for_the_key_is_an_error_that_says_how_long_it_may_be() {
        let server = RsaServer::new();
        let key = PublicKey::from_pem(server.public_key().as_bytes()).unwrap();
        let encrypted = key.encrypt(&long(213), &SCRAMBLE).unwrap();
        assert_eq!(server.decrypt(&encrypted).len(), 214);
        assert_eq!(
            key.encrypt(&long(214), &SCRAMBLE),
            Err(AuthError::PasswordTooLong { limit: 213 })
        );
    }

    #[test]
    fn what_is_no_public_key_in_pem_is_an_error() {
        let server = RsaServer::new();
        let pem = server.public_key();
        for pem in [
            "",
            "no key",
            &pem.replace("PUBLIC KEY", "CERTIFICATE"),
            pem.split_at(pem.len() / 2).0,
            "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
        ] {
            let error = PublicKey::from_pem(pem.as_bytes()).unwrap_err();
            assert_eq!(error, AuthError::InvalidPublicKey, "{pem}");
        }
    }
}
