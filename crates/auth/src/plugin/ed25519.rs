use std::fmt::{self, Debug, Formatter};

use ed25519_dalek::VerifyingKey;
use ed25519_dalek::hazmat::{ExpandedSecretKey, raw_sign};
use otaria_codec::PayloadWriter;
use sha2::{Digest, Sha512};
use zeroize::Zeroizing;

use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble, unexpected_data};
use crate::{AuthError, Password};

/// [`client_ed25519`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#client_ed25519-plugin),
/// the client's side of the server's `ed25519`: the scramble signed with a key made of the
/// password.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ed25519;

impl AuthPluginFactory for Ed25519 {
    fn name(&self) -> &str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        false
    }

    fn can_prove_server(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        // RFC 8032 hashes a seed of 32 bytes here. The plugin hashes a password of any length.
        let hash = Zeroizing::new(Sha512::digest(password.as_bytes()).into());
        let secret_key = ExpandedSecretKey::from_bytes(&hash);
        Box::new(Dialogue {
            public_key: VerifyingKey::from(&secret_key),
            secret_key,
            proves: !password.is_empty(),
            done: false,
        })
    }
}

struct Dialogue {
    secret_key: ExpandedSecretKey,
    /// What the server has stored.
    public_key: VerifyingKey,
    /// Whether there is a password. Anybody knows the public key that belongs to none.
    proves: bool,
    done: bool,
}

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        if self.done {
            return Err(unexpected_data(NAME));
        }
        let scramble = scramble::<SCRAMBLE_BYTES>(NAME, data)?;
        self.done = true;
        let signature = raw_sign::<Sha512>(&self.secret_key, &scramble, &self.public_key);
        out.bytes(&signature.to_bytes());
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        self.proves.then(|| self.public_key.as_bytes().as_slice())
    }
}

impl Debug for Dialogue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ed25519")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

const NAME: &str = "client_ed25519";

/// Longer than that of a greeting, and no NUL follows it.
const SCRAMBLE_BYTES: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NONCE, hex, respond};

    /// 00 to 1f, the scramble of the vectors.
    fn scramble() -> Vec<u8> {
        (0..32).collect()
    }

    fn signature() -> Vec<u8> {
        hex(
            "546c3e9311d19ee389d1ae5d945821bfe459423910136f16b3bd2ae89fd7d63b
             449e689f4be812891a85b8f999076446d92adb83d0707215aaa60b5a23220907",
        )
    }

    #[test]
    fn the_scramble_is_signed_with_the_password() {
        let mut plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        assert_eq!(respond(plugin.as_mut(), &scramble()), Ok(signature()));
    }

    #[test]
    fn the_public_key_is_the_hash_that_the_server_has_stored() {
        let plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            plugin.server_proof_hash().unwrap(),
            hex("648814444520e4f56043a2ec9215e63be7992d2d270bc6dee873e36164786096")
        );
    }

    #[test]
    fn bytes_after_the_scramble_are_not_signed() {
        let with_nul = [scramble(), vec![0]].concat();
        let mut plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        assert_eq!(respond(plugin.as_mut(), &with_nul), Ok(signature()));
    }

    #[test]
    fn passwords_of_every_length_give_64_bytes() {
        for length in [0, 1, 31, 32, 33, 255, 4096] {
            let mut plugin = Ed25519.start(&Password::new(vec![b'x'; length]), &NONCE);
            let response = respond(plugin.as_mut(), &scramble()).unwrap();
            assert_eq!(response.len(), 64, "{length}");
        }
    }

    #[test]
    fn without_a_password_nothing_is_proven() {
        let plugin = Ed25519.start(&Password::default(), &NONCE);
        assert_eq!(plugin.server_proof_hash(), None);
    }

    #[test]
    fn a_short_scramble_is_an_error() {
        let mut plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            respond(plugin.as_mut(), &scramble()[..31]),
            Err(AuthError::ScrambleTooShort {
                plugin: NAME.to_owned(),
                expected: 32,
                found: 31
            })
        );
    }

    #[test]
    fn a_second_scramble_is_an_error() {
        let mut plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        respond(plugin.as_mut(), &scramble()).unwrap();
        let error = respond(plugin.as_mut(), &scramble()).unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }

    #[test]
    fn the_plugin_shows_no_secret() {
        let plugin = Ed25519.start(&Password::from("secret"), &NONCE);
        assert_eq!(format!("{plugin:?}"), "Ed25519 { done: false, .. }");
    }
}
