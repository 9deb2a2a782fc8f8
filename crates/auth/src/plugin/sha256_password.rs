use std::fmt::{self, Debug, Formatter};

use otaria_codec::PayloadWriter;

use super::full_authentication::{FullAuthentication, FullAuthenticationRules, PublicKeys};
use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// [`sha256_password`](https://dev.mysql.com/doc/refman/8.0/en/sha256-pluggable-authentication.html)
/// of MySQL: the password itself.
///
/// It is sent as it is over TLS that proves the server, and without TLS encrypted with the
/// server's public key, if the feature `rsa` is on and the key is given or may be retrieved. Over
/// a Unix socket, too, the server takes it only encrypted; there the key may always be retrieved.
#[derive(Clone, Debug, Default)]
pub struct Sha256Password {
    public_keys: PublicKeys,
}

#[cfg(feature = "rsa")]
impl Sha256Password {
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
            full: FullAuthentication::new(&RULES, password, &self.public_keys),
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
    /// The password, or a request of the key, was sent.
    Full,
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
                if self.full.password.is_empty() {
                    // Not an empty packet: the server takes a NUL for no password.
                    out.int1(0);
                } else {
                    self.full.begin(&scramble, channel, out)?;
                }
                self.stage = Stage::Full;
            }
            Stage::Full => self.full.more(data, out)?,
        }
        Ok(AuthStep::Respond)
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

const RULES: FullAuthenticationRules = FullAuthenticationRules {
    plugin: NAME,
    clear_over_unix_socket: false,
    #[cfg(feature = "rsa")]
    public_key_request: 1,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{CHANNELS, NONCE, SCRAMBLE, respond_over};

    fn plugin(password: &str) -> Box<dyn AuthPlugin> {
        Sha256Password::default().start(&Password::from(password), &NONCE)
    }

    #[test]
    fn without_a_password_a_nul_is_sent_whatever_the_channel() {
        for (channel, _) in CHANNELS {
            let sent = respond_over(channel, plugin("").as_mut(), &SCRAMBLE);
            assert_eq!(sent, Ok(vec![0]), "{channel:?}");
        }
    }

    #[test]
    fn the_password_itself_is_sent_over_proven_tls() {
        let channel = Channel::Tls { proven: true };
        let mut plugin = plugin("secret");
        let sent = respond_over(channel, plugin.as_mut(), &SCRAMBLE);
        assert_eq!(sent, Ok(b"secret\0".to_vec()));
        let error = respond_over(channel, plugin.as_mut(), &SCRAMBLE).unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }

    #[test]
    fn an_unproven_channel_carries_no_password() {
        for channel in [Channel::Plain, Channel::Tls { proven: false }] {
            let error = respond_over(channel, plugin("secret").as_mut(), &SCRAMBLE).unwrap_err();
            assert!(
                matches!(error, AuthError::UnprovenChannel { .. }),
                "{channel:?}"
            );
        }
    }

    #[cfg(not(feature = "rsa"))]
    #[test]
    fn over_a_unix_socket_the_servers_key_is_needed() {
        let error = respond_over(Channel::UnixSocket, plugin("secret").as_mut(), &SCRAMBLE);
        assert_eq!(
            error,
            Err(AuthError::PublicKeyNeeded {
                plugin: NAME.to_owned()
            })
        );
    }

    #[test]
    fn a_short_scramble_is_an_error() {
        let channel = Channel::Tls { proven: true };
        let error = respond_over(channel, plugin("secret").as_mut(), &SCRAMBLE[..19]);
        assert_eq!(
            error,
            Err(AuthError::ScrambleTooShort {
                plugin: NAME.to_owned(),
                expected: 20,
                found: 19
            })
        );
    }

    #[test]
    fn it_proves_nothing_and_shows_no_secret() {
        assert!(!Sha256Password::default().can_prove_server());
        let plugin = plugin("secret");
        assert_eq!(plugin.server_proof_hash(), None);
        let shown = format!("{plugin:?}");
        assert_eq!(shown, "Sha256Password { stage: Scramble, .. }");
    }

    #[cfg(feature = "rsa")]
    mod rsa {
        use super::*;
        use crate::testing::RsaServer;

        #[test]
        fn the_password_is_encrypted_with_a_key_that_was_retrieved() {
            let server = RsaServer::new();
            let retrieves = Sha256Password::default().with_public_key_retrieval();
            for (factory, channel) in [
                (retrieves, Channel::Plain),
                (Sha256Password::default(), Channel::UnixSocket),
            ] {
                let mut plugin = factory.start(&Password::from("secret"), &NONCE);
                let request = respond_over(channel, plugin.as_mut(), &SCRAMBLE);
                assert_eq!(request, Ok(vec![1]), "{channel:?}");
                let pem = server.public_key();
                let sent = respond_over(channel, plugin.as_mut(), pem.as_bytes()).unwrap();
                assert_eq!(server.decrypt(&sent), b"secret\0");
            }
        }

        #[test]
        fn a_known_key_is_not_asked_for() {
            let server = RsaServer::new();
            let pem = server.public_key();
            let factory = Sha256Password::default();
            let factory = factory.with_public_key(pem.as_bytes()).unwrap();
            let mut plugin = factory.start(&Password::from("secret"), &NONCE);
            let sent = respond_over(Channel::Plain, plugin.as_mut(), &SCRAMBLE).unwrap();
            assert_eq!(server.decrypt(&sent), b"secret\0");
        }
    }
}
