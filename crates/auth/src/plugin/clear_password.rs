use otaria_codec::PayloadWriter;

use super::{AuthPlugin, AuthPluginFactory, AuthStep, Channel, unexpected_data};
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
        out.bytes_nul(password.as_bytes());
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

const NAME: &str = "mysql_clear_password";
