use otaria_codec::PayloadWriter;

use super::{Channel, unexpected_data};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

#[cfg(feature = "rsa")]
use std::sync::Arc;

#[cfg(feature = "rsa")]
use super::public_key::PublicKey;

/// Where a plugin's configuration lets the server's public key come from: from nowhere unless the
/// feature `rsa` is on and it is asked for.
#[derive(Clone, Debug, Default)]
pub(super) struct PublicKeys {
    #[cfg(feature = "rsa")]
    source: Option<PublicKeySource>,
}

#[cfg(feature = "rsa")]
#[derive(Clone, Debug)]
enum PublicKeySource {
    /// The server sends it.
    Retrieval,
    /// It is known.
    Known(Arc<PublicKey>),
}

#[cfg(feature = "rsa")]
impl PublicKeys {
    /// Lets the server send its key, unless it is known.
    pub(super) fn allow_retrieval(&mut self) {
        self.source.get_or_insert(PublicKeySource::Retrieval);
    }

    /// Takes the key in `pem` for the server's.
    pub(super) fn know(&mut self, pem: &[u8]) -> Result<(), AuthError> {
        let key = PublicKey::from_pem(pem)?;
        self.source = Some(PublicKeySource::Known(Arc::new(key)));
        Ok(())
    }
}

/// What distinguishes the plugins that send the password itself.
#[derive(Debug)]
pub(super) struct FullAuthenticationRules {
    pub(super) plugin: &'static str,
    /// Whether the server takes the password as it is over a Unix socket.
    pub(super) clear_over_unix_socket: bool,
    /// What asks the server for its public key.
    #[cfg(feature = "rsa")]
    pub(super) public_key_request: u8,
}

/// The sending of the password itself, where a hash of it is not enough: as it is if nobody but
/// the server can read it, else encrypted with the server's public key.
#[derive(Debug)]
pub(super) struct FullAuthentication {
    rules: &'static FullAuthenticationRules,
    pub(super) password: Password,
    #[cfg(feature = "rsa")]
    public_keys: PublicKeys,
    /// The scramble for the password while the server's public key is due.
    #[cfg(feature = "rsa")]
    key_due: Option<[u8; SCRAMBLE_BYTES]>,
}

impl FullAuthentication {
    #[cfg_attr(
        not(feature = "rsa"),
        expect(unused_variables, reason = "there are no public keys")
    )]
    pub(super) fn new(
        rules: &'static FullAuthenticationRules,
        password: &Password,
        public_keys: &PublicKeys,
    ) -> Self {
        Self {
            rules,
            password: password.clone(),
            #[cfg(feature = "rsa")]
            public_keys: public_keys.clone(),
            #[cfg(feature = "rsa")]
            key_due: None,
        }
    }

    /// Writes the password, or a request for the key to encrypt it with.
    pub(super) fn begin(
        &mut self,
        scramble: &[u8; SCRAMBLE_BYTES],
        channel: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<(), AuthError> {
        let clear = match channel {
            Channel::Plain => false,
            Channel::UnixSocket => self.rules.clear_over_unix_socket,
            Channel::Tls { proven } => proven,
        };
        if !clear {
            return self.begin_encrypted(scramble, channel, out);
        }
        // The server goes by the length: a NUL in the password is part of it.
        out.bytes(self.password.as_bytes());
        out.int1(0);
        Ok(())
    }

    #[cfg(not(feature = "rsa"))]
    fn begin_encrypted(
        &self,
        _: &[u8; SCRAMBLE_BYTES],
        channel: Channel,
        _: &mut PayloadWriter<'_>,
    ) -> Result<(), AuthError> {
        Err(self.refused(channel))
    }

    #[cfg(feature = "rsa")]
    fn begin_encrypted(
        &mut self,
        scramble: &[u8; SCRAMBLE_BYTES],
        channel: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<(), AuthError> {
        match (&self.public_keys.source, channel) {
            // Inside TLS the server takes the password as it is and no other way.
            (_, Channel::Tls { .. }) | (None, Channel::Plain) => return Err(self.refused(channel)),
            (Some(PublicKeySource::Known(key)), _) => {
                out.bytes(&key.encrypt(&self.password, scramble)?);
            }
            // Nobody but the server answers on a Unix socket.
            (Some(PublicKeySource::Retrieval), _) | (None, Channel::UnixSocket) => {
                out.int1(self.rules.public_key_request);
                self.key_due = Some(*scramble);
            }
        }
        Ok(())
    }

    /// Goes on with `data` of the server: the public key, if it was asked for.
    #[cfg(not(feature = "rsa"))]
    pub(super) fn more(&self, _: &[u8], _: &mut PayloadWriter<'_>) -> Result<(), AuthError> {
        Err(unexpected_data(self.rules.plugin))
    }

    /// Goes on with `data` of the server: the public key, if it was asked for.
    #[cfg(feature = "rsa")]
    pub(super) fn more(
        &mut self,
        data: &[u8],
        out: &mut PayloadWriter<'_>,
    ) -> Result<(), AuthError> {
        let scramble = self.key_due.take();
        let scramble = scramble.ok_or_else(|| unexpected_data(self.rules.plugin))?;
        let key = PublicKey::from_pem(data)?;
        out.bytes(&key.encrypt(&self.password, &scramble)?);
        Ok(())
    }

    /// The error for a channel over which the password cannot go.
    fn refused(&self, channel: Channel) -> AuthError {
        let plugin = self.rules.plugin.to_owned();
        match channel {
            Channel::UnixSocket => AuthError::PublicKeyNeeded { plugin },
            Channel::Plain | Channel::Tls { .. } => AuthError::UnprovenChannel { plugin },
        }
    }
}
