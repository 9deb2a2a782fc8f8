use otaria_codec::PayloadWriter;

use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, unexpected_data, write_clear};
use crate::{AuthError, Password};

/// [`mysql_clear_password`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#mysql_clear_password-plugin):
/// the password as it is, for accounts that something else checks: PAM, LDAP, a cloud's tokens.
///
/// It is not among the default plugins. Where the channel does not prove the server, it is
/// refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct ClearPassword;

impl AuthPluginFactory for ClearPassword {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            password: Some(password.clone()),
        })
    }
}

#[derive(Debug)]
struct Dialogue {
    /// What is still to be sent.
    password: Option<Password>,
}

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        _: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        let password = self.password.take().ok_or_else(|| unexpected_data(NAME))?;
        write_clear("password", &password, out)?;
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

const NAME: &str = "mysql_clear_password";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{NONCE, respond};

    #[test]
    fn the_password_and_a_nul_are_sent() {
        for (password, sent) in [("secret", b"secret\0".as_slice()), ("", b"\0")] {
            let mut plugin = ClearPassword.start(&Password::from(password), &NONCE);
            assert_eq!(respond(plugin.as_mut(), b""), Ok(sent.to_vec()));
        }
    }

    #[test]
    fn the_password_is_not_sent_twice() {
        let mut plugin = ClearPassword.start(&Password::from("secret"), &NONCE);
        respond(plugin.as_mut(), b"").unwrap();
        let error = respond(plugin.as_mut(), b"").unwrap_err();
        assert!(matches!(error, AuthError::UnexpectedPluginData { .. }));
    }

    #[test]
    fn a_password_with_a_nul_is_refused_before_it_is_sent() {
        let mut plugin = ClearPassword.start(&Password::from("sec\0ret"), &NONCE);
        let field = "password";
        let error = respond(plugin.as_mut(), b"");
        assert_eq!(error, Err(AuthError::NulCharacter { field }));
    }

    #[test]
    fn it_reveals_the_password_and_proves_nothing() {
        assert!(ClearPassword.needs_proven_channel());
        assert!(!ClearPassword.can_prove_server());
        let plugin = ClearPassword.start(&Password::from("secret"), &NONCE);
        assert_eq!(plugin.server_proof_hash(), None);
    }

    #[test]
    fn the_plugin_shows_no_secret() {
        let plugin = ClearPassword.start(&Password::from("secret"), &NONCE);
        let shown = format!("{plugin:?}");
        assert_eq!(shown, "Dialogue { password: Some(Password { .. }) }");
    }
}
