use std::fmt::{self, Debug, Formatter};

use ed25519_dalek::{Signer, SigningKey};
use otaria_codec::{InvalidPacket, PayloadReader, PayloadWriter};

use super::{
    AuthPlugin, AuthPluginFactory, AuthStep, Channel, DerivedKey, KeyDerivation, SERVER_IS_DUE,
    scramble, unexpected_data,
};
use crate::{AuthError, Password};

/// [`parsec`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#parsec-plugin):
/// scrambles of both sides signed with a key that takes long to make of the password and a salt.
///
/// ```text
/// Scramble ──empty packet──► Salt ──Derive──► Key ──signature──► Done
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Parsec {
    max_iteration_factor: u8,
}

impl Parsec {
    /// Sets the greatest iteration factor that a server may ask for: 1024 rounds of the hash are
    /// doubled so many times. More than 20, a billion rounds, are taken for 20. The default is 10,
    /// a million rounds, which take most processors less than a second.
    #[must_use]
    pub fn with_max_iteration_factor(self, factor: u8) -> Self {
        Self {
            max_iteration_factor: factor.min(GREATEST_ITERATION_FACTOR),
        }
    }
}

impl Default for Parsec {
    fn default() -> Self {
        Self {
            max_iteration_factor: MAX_ITERATION_FACTOR,
        }
    }
}

impl AuthPluginFactory for Parsec {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn can_prove_server(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, nonce: &[u8; SCRAMBLE_BYTES]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            password: password.clone(),
            client_scramble: *nonce,
            max_iteration_factor: self.max_iteration_factor,
            stage: Stage::Scramble,
        })
    }
}

struct Dialogue {
    password: Password,
    client_scramble: [u8; SCRAMBLE_BYTES],
    max_iteration_factor: u8,
    stage: Stage,
}

enum Stage {
    /// The server's scramble is due.
    Scramble,
    /// The account's salt is due.
    Salt([u8; SCRAMBLE_BYTES]),
    /// The key is being derived.
    Key([u8; SCRAMBLE_BYTES], ExtSalt),
    /// All is sent; this is what the server has stored.
    Done([u8; STORED_BYTES]),
}

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        _: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        match self.stage {
            Stage::Scramble => {
                self.stage = Stage::Salt(scramble(NAME, data)?);
                // "Client sends an empty packet to request the ext-salt."
                Ok(AuthStep::Respond)
            }
            Stage::Salt(server_scramble) => {
                let salt = ExtSalt::decode(data)?;
                let rounds = salt.rounds(self.max_iteration_factor)?;
                self.stage = Stage::Key(server_scramble, salt);
                let password = self.password.clone();
                let key = KeyDerivation::new(password, salt.salt.to_vec(), rounds);
                Ok(AuthStep::Derive(key))
            }
            Stage::Key(..) | Stage::Done(_) => Err(unexpected_data(NAME)),
        }
    }

    fn derived(
        &mut self,
        key: DerivedKey,
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        let Stage::Key(server_scramble, salt) = self.stage else {
            return Err(SERVER_IS_DUE);
        };
        let key = SigningKey::from_bytes(key.as_bytes());
        let signature = key.sign(&[server_scramble, self.client_scramble].concat());
        out.bytes(&self.client_scramble);
        out.bytes(&signature.to_bytes());
        self.stage = Stage::Done(salt.stored_hash(key.verifying_key().as_bytes()));
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        match &self.stage {
            // Anybody can make the public key that belongs to no password.
            Stage::Done(stored_hash) if !self.password.is_empty() => Some(stored_hash),
            _ => None,
        }
    }
}

impl Debug for Dialogue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Scramble => "Scramble",
            Stage::Salt(_) => "Salt",
            Stage::Key(..) => "Key",
            Stage::Done(_) => "Done",
        };
        f.debug_struct("Parsec")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

/// What the server needs to make the public key of a password, and has stored before that key.
#[derive(Clone, Copy)]
struct ExtSalt {
    iteration_factor: u8,
    salt: [u8; SALT_BYTES],
}

impl ExtSalt {
    fn decode(data: &[u8]) -> Result<Self, InvalidPacket> {
        let mut reader = PayloadReader::new("parsec ext-salt", data);
        reader.header(KEY_DERIVATION_PBKDF2)?;
        let ext_salt = Self {
            iteration_factor: reader.int1()?,
            salt: reader.array()?,
        };
        reader.finish()?;
        Ok(ext_salt)
    }

    /// "Iterations are 1024 << iteration factor".
    fn rounds(self, max_iteration_factor: u8) -> Result<u32, AuthError> {
        let rounds = LEAST_ROUNDS.checked_shl(self.iteration_factor.into());
        rounds
            .filter(|_| self.iteration_factor <= max_iteration_factor)
            .ok_or(AuthError::TooManyRounds {
                factor: self.iteration_factor,
                limit: max_iteration_factor,
            })
    }

    fn stored_hash(self, public_key: &[u8; 32]) -> [u8; STORED_BYTES] {
        let mut stored = [KEY_DERIVATION_PBKDF2; STORED_BYTES];
        let parts = [self.iteration_factor].into_iter();
        let parts = parts.chain(self.salt).chain(*public_key);
        for (byte, part) in stored.iter_mut().skip(1).zip(parts) {
            *byte = part;
        }
        stored
    }
}

const NAME: &str = "parsec";

/// That of either side.
const SCRAMBLE_BYTES: usize = 32;
const SALT_BYTES: usize = 18;
/// The ext-salt and the public key.
const STORED_BYTES: usize = 2 + SALT_BYTES + 32;

/// The only way to derive a key that there is.
const KEY_DERIVATION_PBKDF2: u8 = b'P';
const LEAST_ROUNDS: u32 = 1024;

/// Servers set 0, and 3 at most up to 12.3. A hostile server must not keep a processor busy.
const MAX_ITERATION_FACTOR: u8 = 10;
/// The greatest that a server can be set to: 2^30 rounds.
const GREATEST_ITERATION_FACTOR: u8 = 20;

#[cfg(test)]
mod tests;
