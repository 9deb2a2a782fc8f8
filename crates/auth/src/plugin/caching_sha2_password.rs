use std::fmt::{self, Debug, Formatter};

use otaria_codec::{PayloadReader, PayloadWriter};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::full_authentication::FullAuthentication;
use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble, unexpected_data};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// [`caching_sha2_password`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#caching_sha2_password-plugin),
/// the default of MySQL: the password hashed by SHA-256 with the server's scramble, and the
/// password itself where the server has not cached its hash. MariaDB's never has.
///
/// The password itself is sent as it is where the channel proves the server.
#[derive(Clone, Debug, Default)]
pub struct CachingSha2Password;

impl AuthPluginFactory for CachingSha2Password {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            full: FullAuthentication {
                plugin: NAME,
                password: password.clone(),
                clear_over_unix_socket: true,
            },
            stage: Stage::Scramble,
        })
    }
}

struct Dialogue {
    full: FullAuthentication,
    stage: Stage,
}

/// ```text
/// Scramble ── hash ──► Verdict ── known ──────────────► Done
///                         └── unknown ── password ──────┘
/// ```
#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The server's scramble is due.
    Scramble,
    /// Whether the server knows the hash is due.
    Verdict,
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
                self.stage = Stage::Verdict;
                Ok(AuthStep::Respond)
            }
            Stage::Verdict => {
                let mut reader = PayloadReader::new("caching_sha2_password result", data);
                let verdict = reader.int1()?;
                match verdict {
                    FAST_AUTH_OK => {
                        self.stage = Stage::Done;
                        Ok(AuthStep::Wait)
                    }
                    FULL_AUTHENTICATION => {
                        self.full.send(channel, out)?;
                        self.stage = Stage::Done;
                        Ok(AuthStep::Respond)
                    }
                    _ => Err(reader.invalid_field("result", verdict.into()).into()),
                }
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
        f.debug_struct("CachingSha2Password")
            .field("stage", &self.stage)
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

/// The server has the password's hash cached. An ERR packet may follow all the same.
const FAST_AUTH_OK: u8 = 3;
/// The server needs the password itself.
const FULL_AUTHENTICATION: u8 = 4;
