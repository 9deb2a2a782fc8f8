//! Going where a server sends its clients.

use otaria_session::{Config, Endpoint, Error, Redirect};

use crate::connect::{Deadline, Failure, limited};
use crate::{Connection, HostStates};

impl Connection {
    /// Why the redirection that the server asked for at the login was not followed, though
    /// [`permit_redirect`](otaria_session::ConfigBuilder::permit_redirect) is set and TLS has proven
    /// the server: the other one could not be used. `None` if nothing was asked or all went well, and
    /// if it led nowhere else.
    pub fn redirect_error(&self) -> Option<&Error> {
        self.redirect_error.as_deref()
    }

    /// Where the server sends this connection, if that is to be followed: a server that has not
    /// proven itself may send its clients to anybody.
    fn wanted_redirect(&self) -> Option<Redirect> {
        if !self.config.permit_redirect() || !self.tls()?.proof.is_proven() {
            return None;
        }
        let url = self.session_state().system_variable("redirect_url")?;
        Redirect::parse(url).filter(|redirect| !redirect.leads_to(&self.endpoint))
    }
}

/// Connects to one endpoint, or to where its server redirects to. What that other server says about
/// a further one is not looked at, so there is no loop.
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
    if let Some(redirect) = connection.wanted_redirect() {
        match follow(&redirect, config, deadline).await {
            Ok(redirected) => {
                hosts.redirects(endpoint, redirect);
                return Ok(redirected);
            }
            Err(error) => connection.redirect_error = Some(Box::new(error)),
        }
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
        Ok(connection)
    };
    limited(deadline.share(1), connect).await
}
