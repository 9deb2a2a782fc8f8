use otaria_codec::PayloadWriter;

use super::Channel;
use crate::{AuthError, Password};

/// How a plugin sends the password itself, where a hash of it is not enough: as it is if nobody
/// but the server can read it.
#[derive(Clone, Debug)]
pub(super) struct FullAuthentication {
    pub(super) plugin: &'static str,
    pub(super) password: Password,
    /// Whether the server takes the password as it is over a Unix socket.
    pub(super) clear_over_unix_socket: bool,
}

impl FullAuthentication {
    /// Writes the password.
    pub(super) fn send(
        &self,
        channel: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<(), AuthError> {
        match channel {
            Channel::Tls { proven: true } => {}
            Channel::UnixSocket if self.clear_over_unix_socket => {}
            Channel::UnixSocket => {
                return Err(AuthError::PublicKeyNeeded {
                    plugin: self.plugin.to_owned(),
                });
            }
            Channel::Tls { proven: false } | Channel::Plain => {
                return Err(AuthError::UnprovenChannel {
                    plugin: self.plugin.to_owned(),
                });
            }
        }
        out.bytes_nul(self.password.as_bytes());
        Ok(())
    }
}
