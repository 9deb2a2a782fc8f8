use std::fmt::{self, Debug, Formatter};

use pbkdf2::pbkdf2_hmac;
use sha2::Sha512;
use zeroize::Zeroizing;

use crate::Password;

/// A key to be derived from the password by PBKDF2 with HMAC-SHA-512, which takes long so that
/// guessing passwords takes long. It is not for a thread that others wait for.
#[derive(Clone)]
pub struct KeyDerivation {
    password: Password,
    salt: Vec<u8>,
    rounds: u32,
}

impl KeyDerivation {
    /// A key of `password` and `salt`. No rounds at all are taken for one.
    pub fn new(password: Password, salt: Vec<u8>, rounds: u32) -> Self {
        Self {
            password,
            salt,
            rounds: rounds.max(1),
        }
    }

    /// How often the hash is computed. A processor of 2020 does about a million rounds a second.
    pub const fn rounds(&self) -> u32 {
        self.rounds
    }

    /// Computes the key.
    pub fn derive(self) -> DerivedKey {
        let mut key = Zeroizing::new([0; KEY_BYTES]);
        let password = self.password.as_bytes();
        pbkdf2_hmac::<Sha512>(password, &self.salt, self.rounds, key.as_mut_slice());
        DerivedKey(key)
    }
}

impl Debug for KeyDerivation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyDerivation")
            .field("rounds", &self.rounds)
            .finish_non_exhaustive()
    }
}

/// A key made of a password: never shown, and overwritten when it is dropped.
#[derive(Clone)]
pub struct DerivedKey(Zeroizing<[u8; KEY_BYTES]>);

impl DerivedKey {
    /// The key itself.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Debug for DerivedKey {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("DerivedKey").finish_non_exhaustive()
    }
}

const KEY_BYTES: usize = 32;
