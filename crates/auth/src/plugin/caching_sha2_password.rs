use std::fmt::{self, Debug, Formatter};

use otaria_codec::{PayloadReader, PayloadWriter};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::full_authentication::{FullAuthentication, FullAuthenticationRules, PublicKeys};
use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble, unexpected_data};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// [`caching_sha2_password`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#caching_sha2_password-plugin),
/// the default of MySQL: the password hashed by SHA-256 with the server's scramble, and the
/// password itself where the server has not cached its hash. MariaDB's never has.
///
/// The password itself is sent as it is where the channel proves the server, and without TLS
/// encrypted with the server's public key, if the feature `rsa` is on and the key is given or may
/// be retrieved.
#[derive(Clone, Debug, Default)]
pub struct CachingSha2Password {
    public_keys: PublicKeys,
}

#[cfg(feature = "rsa")]
impl CachingSha2Password {
    /// Lets the server send its public key where there is no TLS, and sends the password encrypted
    /// with it. Whoever can change what the server sends can send a key of his own, and read the
    /// password.
    #[must_use]
    pub fn with_public_key_retrieval(mut self) -> Self {
        self.public_keys.allow_retrieval();
        self
    }

    /// Encrypts the password with the server's public key in `pem` where there is no TLS.
    ///
    /// # Errors
    /// [`AuthError::InvalidPublicKey`] if `pem` is no RSA key of 2048 to 8192 bits under
    /// `-----BEGIN PUBLIC KEY-----`.
    pub fn with_public_key(mut self, pem: &[u8]) -> Result<Self, AuthError> {
        self.public_keys.know(pem)?;
        Ok(self)
    }
}

impl AuthPluginFactory for CachingSha2Password {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            full: FullAuthentication::new(&RULES, password, &self.public_keys),
            stage: Stage::Scramble,
        })
    }
}

struct Dialogue {
    full: FullAuthentication,
    stage: Stage,
}

/// ```text
/// Scramble ── hash ──► Verdict ── known ──► Done
///                         └── unknown ── password, or request of the key ──► Full
/// ```
#[derive(Clone, Copy)]
enum Stage {
    /// The server's scramble is due.
    Scramble,
    /// Whether the server knows the hash made of the scramble is due.
    Verdict([u8; SCRAMBLE_BYTES]),
    /// The server has asked for the password itself.
    Full,
    /// The OK or ERR packet is due.
    Done,
}

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        data: &[u8],
        channel: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        match self.stage {
            Stage::Scramble => {
                let scramble = scramble::<SCRAMBLE_BYTES>(NAME, data)?;
                if !self.full.password.is_empty() {
                    out.bytes(&hash(&self.full.password, &scramble));
                }
                self.stage = Stage::Verdict(scramble);
                Ok(AuthStep::Respond)
            }
            Stage::Verdict(scramble) => {
                let mut reader = PayloadReader::new("caching_sha2_password result", data);
                let verdict = reader.int1()?;
                let invalid = reader.invalid_field("result", verdict.into());
                reader.finish()?;
                match verdict {
                    FAST_AUTH_OK => {
                        self.stage = Stage::Done;
                        Ok(AuthStep::Wait)
                    }
                    FULL_AUTHENTICATION => {
                        self.full.begin(&scramble, channel, out)?;
                        self.stage = Stage::Full;
                        Ok(AuthStep::Respond)
                    }
                    _ => Err(invalid.into()),
                }
            }
            Stage::Full => {
                self.full.more(data, out)?;
                Ok(AuthStep::Respond)
            }
            Stage::Done => Err(unexpected_data(NAME)),
        }
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

impl Debug for Dialogue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Scramble => "Scramble",
            Stage::Verdict(_) => "Verdict",
            Stage::Full => "Full",
            Stage::Done => "Done",
        };
        f.debug_struct("CachingSha2Password")
            .field("stage", &stage)
            .finish_non_exhaustive()
    }
}

/// SHA256(password) ^ SHA256(SHA256(SHA256(password)) + scramble). The documentation hashes the
/// scramble first; servers do not.
fn hash(password: &Password, scramble: &[u8; SCRAMBLE_BYTES]) -> [u8; 32] {
    let hash: Zeroizing<[u8; 32]> = Zeroizing::new(Sha256::digest(password.as_bytes()).into());
    let mask = Sha256::new()
        .chain_update(Sha256::digest(*hash))
        .chain_update(scramble)
        .finalize();
    let mut response = *hash;
    for (byte, mask) in response.iter_mut().zip(mask) {
        *byte ^= mask;
    }
    response
}

const NAME: &str = "caching_sha2_password";

const RULES: FullAuthenticationRules = FullAuthenticationRules {
    plugin: NAME,
    clear_over_unix_socket: true,
    #[cfg(feature = "rsa")]
    public_key_request: 2,
};

/// The server has the password's hash cached. An ERR packet may follow all the same.
const FAST_AUTH_OK: u8 = 3;
/// The server needs the password itself.
const FULL_AUTHENTICATION: u8 = 4;

#[cfg(test)]
mod tests;
