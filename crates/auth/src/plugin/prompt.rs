/// A question that a plugin asks a person, such as for a one-time password.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Prompt {
    message: String,
    echo: bool,
}

impl Prompt {
    /// A question. What a person types in answer is shown if `echo` is set.
    pub fn new(message: impl Into<String>, echo: bool) -> Self {
        Self {
            message: message.into(),
            echo,
        }
    }

    /// The question, in the server's words: any text, control characters included.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whether the answer may be seen. That to a question for a password may not.
    pub const fn echo(&self) -> bool {
        self.echo
    }
}
