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

    /// How often the hash is computed. A million rounds take an optimized build 0.36 s on an EPYC.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::hex;

    #[test]
    fn the_key_of_1024_rounds_is_that_of_the_server() {
        let salt = hex("a6a89ead0ee7f517f395f7d95c4623ddb650");
        let key = KeyDerivation::new(Password::from("secret"), salt, 1024).derive();
        assert_eq!(
            key.as_bytes().as_slice(),
            hex("8a5f7abb186ec2d47d8e4560acc7ccdc19e6657f144c21704daa84ca281d3cce")
        );
    }

    #[test]
    fn no_rounds_are_taken_for_one() {
        let derivation = |rounds| KeyDerivation::new(Password::from("a"), vec![1], rounds);
        assert_eq!(derivation(0).rounds(), 1);
        let (none, one) = (derivation(0).derive(), derivation(1).derive());
        assert_eq!(none.as_bytes(), one.as_bytes());
    }

    #[test]
    fn a_derivation_can_go_to_another_thread() {
        let derivation = KeyDerivation::new(Password::from("secret"), vec![1; 18], 2);
        let here = derivation.clone().derive();
        let there = std::thread::spawn(|| derivation.derive()).join().unwrap();
        assert_eq!(here.as_bytes(), there.as_bytes());
    }

    #[test]
    fn neither_the_password_nor_the_key_is_shown() {
        let derivation = KeyDerivation::new(Password::from("secret"), vec![1; 18], 2);
        assert_eq!(format!("{derivation:?}"), "KeyDerivation { rounds: 2, .. }");
        assert_eq!(format!("{:?}", derivation.derive()), "DerivedKey { .. }");
    }
}
