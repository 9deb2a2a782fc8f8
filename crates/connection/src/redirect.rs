//! Going where a server sends its clients.

use otaria_session::{Config, Endpoint, Error, Redirect, RedirectError};

use crate::connect::{Deadline, Failure, limited};
use crate::{Connection, HostStates};

impl Connection {
    /// Why the redirection that the server asked for at the login was not followed, though
    /// [`permit_redirect`](otaria_session::ConfigBuilder::permit_redirect) is set: the other server
    /// could not be used, or [`Error::Redirect`]. `None` if nothing was asked or all went well, and if
    /// it led nowhere else.
    pub fn redirect_error(&self) -> Option<&Error> {
        self.redirect_error.as_deref()
    }

    /// Where the server sends this connection, if that is elsewhere and permitted.
    ///
    /// # Errors
    /// [`RedirectError`] if it cannot be followed: a server that has not proven itself may send its
    /// clients to anybody.
    fn wanted_redirect(&self) -> Result<Option<Redirect>, RedirectError> {
        let url = self.session_state().system_variable("redirect_url");
        let Some(url) = url.filter(|url| !url.is_empty() && self.config.permit_redirect()) else {
            return Ok(None);
        };
        let redirect = Redirect::parse(url).ok_or(RedirectError::Invalid)?;
        if redirect.leads_to(&self.endpoint) {
            return Ok(None);
        }
        if !self.tls().is_some_and(|tls| tls.proof.is_proven()) {
            return Err(RedirectError::Unproven);
        }
        Ok(Some(redirect))
    }

    fn redirect_failed(&mut self, error: Error) {
        self.redirect_error = Some(Box::new(error));
    }
}

/// Connects to one endpoint, or to where its server redirects to. That other server's own redirection
/// is not followed, so there is no loop.
pub(crate) async fn attempt(
    endpoint: &Endpoint,
    config: &Config,
    hosts: &HostStates,
    deadline: Deadline,
) -> Result<Connection, Failure> {
    if config.permit_redirect()
        && let Some(redirect) = hosts.redirect(endpoint)
    {
        match follow(&redirect, config, deadline).await {
            Ok(connection) => return Ok(connection),
            Err(_) => hosts.forget_redirect(endpoint),
        }
    }
    let mut connection = Connection::attempt(endpoint, config).await?;
    match connection.wanted_redirect() {
        Ok(None) => {}
        Ok(Some(redirect)) => match follow(&redirect, config, deadline).await {
            Ok(redirected) => {
                hosts.redirects(endpoint, redirect);
                return Ok(redirected);
            }
            Err(error) => connection.redirect_failed(error),
        },
        Err(error) => connection.redirect_failed(Error::Redirect(error)),
    }
    connection.check_role().await?;
    Ok(connection)
}

/// Connects to where `redirect` leads, in half of the time that is left: the other half is for the
/// server that has sent the client there.
async fn follow(
    redirect: &Redirect,
    config: &Config,
    deadline: Deadline,
) -> Result<Connection, Error> {
    let config = redirect.config(config)?;
    let connect = async {
        let connected = Connection::attempt(redirect.endpoint(), &config).await;
        let mut connection = connected.map_err(Failure::into_error)?;
        connection.check_role().await?;
        if let Ok(Some(_)) = connection.wanted_redirect() {
            connection.redirect_failed(Error::Redirect(RedirectError::Again));
        }
        Ok(connection)
    };
    limited(deadline.share(1), connect).await
}
