use std::fmt::{self, Debug, Formatter};

use otaria_codec::PayloadWriter;

use super::full_authentication::FullAuthentication;
use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble, unexpected_data};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// [`sha256_password`](https://dev.mysql.com/doc/refman/8.0/en/sha256-pluggable-authentication.html)
/// of MySQL: the password itself.
///
/// It is sent as it is over TLS that proves the server. MySQL takes it as it is over nothing else,
/// a Unix socket included.
#[derive(Clone, Debug, Default)]
pub struct Sha256Password;

impl AuthPluginFactory for Sha256Password {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        // It looks at the channel itself: not everything that it sends reveals the password.
        false
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            full: FullAuthentication {
                plugin: NAME,
                password: password.clone(),
                clear_over_unix_socket: false,
            },
            stage: Stage::Scramble,
        })
    }
}

struct Dialogue {
    full: FullAuthentication,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    /// The server's scramble is due.
    Scramble,
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
                scramble::<SCRAMBLE_BYTES>(NAME, data)?;
                if self.full.password.is_empty() {
                    // Not an empty packet: the server takes a NUL for no password.
                    out.int1(0);
                } else {
                    self.full.send(channel, out)?;
                }
                self.stage = Stage::Done;
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
        f.debug_struct("Sha256Password")
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

const NAME: &str = "sha256_password";
