//! What a configuration asks its owner for while a connection is made.

use std::fmt;
use std::pin::Pin;

use otaria_auth::{Password, Prompt};

/// Where user name and password come from when they change, such as a vault or a token service:
/// asked once for each login. Implemented for functions that return a future.
///
/// ```
/// # use otaria_session::{Config, ConfigError, Credentials};
/// # async fn token() -> Result<String, std::io::Error> { Ok(String::new()) }
/// let config = Config::builder()
///     .user("app")
///     .credentials_provider(|| async { token().await.map(Credentials::password_only) })
///     .build()?;
/// # Ok::<(), ConfigError>(())
/// ```
pub trait CredentialsProvider: Send + Sync {
    /// The credentials for one login. The future may be dropped when connecting takes too long or
    /// is given up.
    fn credentials(&self) -> CallbackFuture<'_, Credentials>;
}

impl<F, Fut, E> CredentialsProvider for F
where
    F: Fn() -> Fut + Send + Sync,
    Fut: Future<Output = Result<Credentials, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn credentials(&self) -> CallbackFuture<'_, Credentials> {
        let credentials = self();
        CallbackFuture::new(async { credentials.await.map_err(CallbackError::new) })
    }
}

/// Who answers the questions that an authentication plugin such as PAM's `dialog` asks.
/// Implemented for functions that take a [`Prompt`] and return a future.
///
/// ```
/// # use otaria_session::{Config, ConfigError, Password, Prompt};
/// # async fn ask(text: String) -> Result<String, std::io::Error> { Ok(String::new()) }
/// let config = Config::builder()
///     .prompt_handler(|prompt: Prompt| async move {
///         ask(prompt.message().to_owned()).await.map(Password::from)
///     })
///     .build()?;
/// # Ok::<(), ConfigError>(())
/// ```
pub trait PromptHandler: Send + Sync {
    /// The answer to `prompt`. The future may be dropped when connecting takes too long or is
    /// given up.
    fn answer(&self, prompt: Prompt) -> CallbackFuture<'_, Password>;
}

impl<F, Fut, E> PromptHandler for F
where
    F: Fn(Prompt) -> Fut + Send + Sync,
    Fut: Future<Output = Result<Password, E>> + Send + 'static,
    E: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    fn answer(&self, prompt: Prompt) -> CallbackFuture<'_, Password> {
        let answer = self(prompt);
        CallbackFuture::new(async { answer.await.map_err(CallbackError::new) })
    }
}

/// What a callback returns: a future of any type.
#[must_use]
pub struct CallbackFuture<'a, T> {
    future: Pin<Box<dyn Future<Output = Result<T, CallbackError>> + Send + 'a>>,
}

impl<'a, T> CallbackFuture<'a, T> {
    /// The future `future`.
    pub fn new(future: impl Future<Output = Result<T, CallbackError>> + Send + 'a) -> Self {
        Self {
            future: Box::pin(future),
        }
    }
}

impl<T> Future for CallbackFuture<'_, T> {
    type Output = Result<T, CallbackError>;

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Self::Output> {
        self.future.as_mut().poll(context)
    }
}

impl<T> fmt::Debug for CallbackFuture<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackFuture").finish_non_exhaustive()
    }
}

/// A callback of the configuration failed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct CallbackError(Box<dyn std::error::Error + Send + Sync>);

impl CallbackError {
    /// The error of a callback that failed with `source`, which may be a text.
    pub fn new(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(source.into())
    }

    /// What the callback failed with.
    pub fn into_inner(self) -> Box<dyn std::error::Error + Send + Sync> {
        self.0
    }
}

/// Who logs in, and by which password.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Credentials {
    /// The user's name; `None` for that of the configuration.
    pub user: Option<String>,
    /// The user's password, or the token in its place.
    pub password: Password,
}

impl Credentials {
    /// A user and a password.
    pub fn new(user: impl Into<String>, password: impl Into<Password>) -> Self {
        Self {
            user: Some(user.into()),
            password: password.into(),
        }
    }

    /// A password for the user of the configuration.
    pub fn password_only(password: impl Into<Password>) -> Self {
        Self {
            user: None,
            password: password.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;

    fn ready<T>(mut future: CallbackFuture<'_, T>) -> Result<T, CallbackError> {
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut future).poll(&mut context) {
            Poll::Ready(output) => output,
            Poll::Pending => panic!("it waits for nothing"),
        }
    }

    #[test]
    fn a_function_is_a_provider_and_its_error_is_kept() {
        let provider = || async { Ok::<_, CallbackError>(Credentials::new("u", "secret")) };
        let credentials = ready(provider.credentials()).unwrap();
        assert_eq!(credentials.user.as_deref(), Some("u"));
        assert_eq!(credentials.password.as_bytes(), b"secret");
        assert!(!format!("{credentials:?}").contains("secret"));

        let failing = || async { Err::<Credentials, _>("the vault is sealed") };
        let error = ready(failing.credentials()).unwrap_err();
        assert_eq!(error.to_string(), "the vault is sealed");
    }

    #[test]
    fn a_function_is_a_handler_and_sees_the_prompt() {
        let handler = |prompt: Prompt| async move {
            assert!(!prompt.echo());
            Ok::<_, CallbackError>(Password::from(prompt.message()))
        };
        let answer = ready(handler.answer(Prompt::new("PIN: ", false))).unwrap();
        assert_eq!(answer.as_bytes(), b"PIN: ");
    }
}
