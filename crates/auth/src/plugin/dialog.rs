use otaria_codec::{PayloadReader, PayloadWriter};

use super::{
    AuthPlugin, AuthPluginFactory, AuthStep, Channel, Prompt, SERVER_IS_DUE, unexpected_data,
    write_clear,
};
use crate::{AuthError, Password};

/// [`dialog`](https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection#dialog-plugin):
/// questions of the server, such as PAM's, and their answers as they are.
///
/// The first question for a password is answered by that of the login, if there is one; all others
/// go to a person. It is not among the default plugins. Where the channel does not prove the
/// server, it is refused.
#[derive(Clone, Copy, Debug, Default)]
pub struct Dialog;

impl AuthPluginFactory for Dialog {
    fn name(&self) -> &'static str {
        NAME
    }

    fn needs_proven_channel(&self) -> bool {
        true
    }

    fn start(&self, password: &Password, _: &[u8; 32]) -> Box<dyn AuthPlugin> {
        Box::new(Dialogue {
            password: (!password.is_empty()).then(|| password.clone()),
            stage: Stage::Question,
        })
    }
}

#[derive(Debug)]
struct Dialogue {
    /// The login's password until it is sent.
    password: Option<Password>,
    stage: Stage,
}

/// ```text
///     ┌────────── answer ──────────┐
///     ▼                            │
/// Question ── question, Prompt ──► Answer ── answer to the last ──► Done
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// The server's next question is due.
    Question,
    /// A person is being asked.
    Answer {
        /// Whether that was the server's last question.
        last: bool,
    },
    /// The server has said that it asks no more.
    Done,
}

impl Stage {
    const fn after(last: bool) -> Self {
        if last { Self::Done } else { Self::Question }
    }
}

impl AuthPlugin for Dialogue {
    fn respond(
        &mut self,
        data: &[u8],
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        if self.stage != Stage::Question {
            return Err(unexpected_data(NAME));
        }
        let mut reader = PayloadReader::new("dialog question", data);
        if reader.is_empty() {
            // A request for what the client has to begin with.
            let password = self.password.take().unwrap_or_default();
            write_clear("password", &password, out)?;
            return Ok(AuthStep::Respond);
        }
        let kind = reader.int1()?;
        let (echo, last) = match kind {
            ORDINARY..=ORDINARY_LAST => (true, kind == ORDINARY_LAST),
            PASSWORD..=PASSWORD_LAST => (false, kind == PASSWORD_LAST),
            _ => return Err(reader.invalid_field("question type", kind.into()).into()),
        };
        if !echo && let Some(password) = self.password.take() {
            write_clear("password", &password, out)?;
            self.stage = Stage::after(last);
            return Ok(AuthStep::Respond);
        }
        self.stage = Stage::Answer { last };
        let message = String::from_utf8_lossy(reader.bytes_eof());
        Ok(AuthStep::Prompt(Prompt::new(message, echo)))
    }

    fn answer(
        &mut self,
        answer: &Password,
        _: Channel,
        out: &mut PayloadWriter<'_>,
    ) -> Result<AuthStep, AuthError> {
        let Stage::Answer { last } = self.stage else {
            return Err(SERVER_IS_DUE);
        };
        write_clear("answer", answer, out)?;
        self.stage = Stage::after(last);
        Ok(AuthStep::Respond)
    }

    fn server_proof_hash(&self) -> Option<&[u8]> {
        None
    }
}

const NAME: &str = "dialog";

// The type of a question, whose lowest bit says that it is the last. None begins with 0x01, so
// the byte that may stand before plugin data can be told from it.
const ORDINARY: u8 = 2;
const ORDINARY_LAST: u8 = 3;
const PASSWORD: u8 = 4;
const PASSWORD_LAST: u8 = 5;

#[cfg(test)]
mod tests;
