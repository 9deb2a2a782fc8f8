use std::fmt::{self, Debug, Formatter};

use otaria_codec::PayloadWriter;
use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, scramble, unexpected_data};
use crate::{AuthError, Password, SCRAMBLE_BYTES};

/// [`mysql_native_password`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#mysql_native_password-plugin),
/// the default of MariaDB: the password hashed by SHA-1 with the server's scramble.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativePassword;

impl AuthPluginFactory for NativePassword {
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
        let secret = (!password.is_empty()).then(|| {
            let hash = Zeroizing::new(Sha1::digest(password.as_bytes()).into());
            let stored_hash = Sha1::digest(*hash).into();
            Secret { hash, stored_hash }
        });
        Box::new(Dialogue {
            secret,
            done: false,
        })
    }
}

struct Dialogue {
    secret: Option<Secret>,
    done: bool,
}

struct Secret {
    /// SHA1(password), as good as the password.
    hash: Zeroizing<[u8; SHA1_BYTES]>,
    /// SHA1(SHA1(password)), what the server has stored.
    stored_hash: [u8; SHA1_BYTES],
}

impl Secret {
    /// "SHA1(password) ^ SHA1(seed + SHA1(SHA1(password)))"
    fn response(&self, scramble: &[u8]) -> [u8; SHA1_BYTES] {
        let mask = Sha1::new()
            .chain_update(scramble)
            .chain_update(self.stored_hash)
            .finalize();
        let mut response = *self.hash;
        for (byte, mask) in response.iter_mut().zip(mask) {
            *byte ^= mask;
        }
        response
    }
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
        // Without a password the response is empty, not the hash of nothing.
        if let Some(secret) = &self.secret {
            out.bytes(&secret.response(&scramble));
        }
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        let secret = self.secret.as_ref()?;
        Some(&secret.stored_hash)
    }
}

impl Debug for Dialogue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("NativePassword")
            .field("done", &self.done)
            .finish_non_exhaustive()
    }
}

/// The plugin's name on the wire.
pub(crate) const NAME: &str = "mysql_native_password";

const SHA1_BYTES: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NONCE, hex, respond};

    /// 01 to 14, the scramble of the vectors.
    fn scramble() -> Vec<u8> {
        (1..=20).collect()
    }

    #[test]
    fn the_password_is_hashed_with_the_scramble() {
        let mut plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            respond(plugin.as_mut(), &scramble()),
            Ok(hex("b32bb3a583e1340c0a1108d58b1be49781ad8c2f"))
        );
        assert_eq!(
            plugin.server_proof_hash().unwrap(),
            hex("14e65567abdb5135d0cfd9a70b3032c179a49ee7")
        );
    }

    #[test]
    fn trailing_nul_cut() {
        let with_nul = [scramble(), vec![0]].concat();
        let mut plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            respond(plugin.as_mut(), &with_nul),
            Ok(hex("b32bb3a583e1340c0a1108d58b1be49781ad8c2f"))
        );
    }

    #[test]
    fn a_nul_inside_the_scramble_is_hashed() {
        let mut ends_in_nul = scramble();
        ends_in_nul[19] = 0;
        let mut plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(respond(plugin.as_mut(), &ends_in_nul).unwrap().len(), 20);
    }

    #[test]
    fn without_a_password_the_response_is_empty_and_nothing_is_proven() {
        let mut plugin = NativePassword.start(&Password::default(), &NONCE);
        assert_eq!(respond(plugin.as_mut(), &scramble()), Ok(Vec::new()));
        assert_eq!(plugin.server_proof_hash(), None);
    }

    #[test]
    fn passwords_of_every_length_give_20_bytes() {
        for length in [1, 19, 20, 21, 255, 4096] {
            let mut plugin = NativePassword.start(&Password::new(vec![b'x'; length]), &NONCE);
            let response = respond(plugin.as_mut(), &scramble()).unwrap();
            assert_eq!(response.len(), 20, "{length}");
        }
    }

    #[test]
    fn a_short_scramble_is_an_error() {
        let mut plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(
            respond(plugin.as_mut(), &scramble()[..19]),
            Err(AuthError::ScrambleTooShort {
                plugin: NAME.to_owned(),
                expected: 20,
                found: 19
            })
        );
    }

    #[test]
    fn a_second_scramble_is_an_error() {
        let mut plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        respond(plugin.as_mut(), &scramble()).unwrap();
        let error = respond(plugin.as_mut(), &scramble()).unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }

    #[test]
    fn the_plugin_shows_no_secret() {
        let plugin = NativePassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(format!("{plugin:?}"), "NativePassword { done: false, .. }");
    }
}
