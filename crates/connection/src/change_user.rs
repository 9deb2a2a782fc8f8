use otaria_session::{Config, Error, Event, Password};

use crate::Connection;
use crate::log_in::{derive, entropy};

impl Connection {
    /// Logs in as another user on the same connection
    /// ([`COM_CHANGE_USER`](https://mariadb.com/docs/server/reference/clientserver-protocol/2-text-protocol/com_change_user)),
    /// or as the same one with another password, and makes `database` the default one, if any.
    /// The session begins anew: the transaction is rolled back, temporary tables, user variables,
    /// locks and statements are gone, session variables have their defaults, and what the
    /// configuration sets after a login is set again, init commands included.
    ///
    /// From then on [`config`](Self::config) names the new user. What else it says stays; a
    /// credentials provider it has no longer.
    ///
    /// ```no_run
    /// # async fn change(connection: &mut otaria_connection::Connection)
    /// # -> Result<(), otaria_session::Error> {
    /// connection.change_user("report", "secret", Some("shop")).await?;
    /// assert_eq!(connection.config().user(), "report");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// - [`Error::Server`] if the server refuses the login: user and database stay what they were,
    ///   and the connection stays usable, but the session begins anew as above. A server waits a
    ///   second before it says so, and refuses every change after the third. MySQL closes the
    ///   connection instead, which the next call notices.
    /// - [`Error::Config`] or [`Error::Auth`] for a login that cannot be sent; nothing was. An
    ///   [`Error::Auth`] or [`Error::Prompt`] in the course of the login closes the connection:
    ///   [`close_reason`](Self::close_reason) tells.
    /// - [`Error::InitCommand`] and [`Error::SessionSettings`]: the user has changed.
    ///
    /// # Cancel safety
    /// Safe. The next call finishes the login, with either outcome, and [`config`](Self::config)
    /// tells which; what the configuration sets after a login is not set then. Call this again, or
    /// [`reset`](Self::reset). A question to a person that was not answered closes the connection.
    pub fn change_user(
        &mut self,
        user: &str,
        password: impl Into<Password>,
        database: Option<&str>,
    ) -> impl Future<Output = Result<(), Error>> {
        self.begin_call();
        async move {
            let config = self.config.for_user(user, password, database);
            self.change_user_within_call(config?).await
        }
    }

    async fn change_user_within_call(&mut self, config: Config) -> Result<(), Error> {
        self.ready_within_call().await?;
        self.session.change_user(&config, entropy()?)?;
        let changed = self.changed_user().await;
        self.take_changed_config();
        if let Err(Error::Server(error)) = changed {
            let prepared = self.prepare_session().await;
            // MySQL closes the connection behind a refusal, which says more than that does.
            if self.close_reason().is_none() {
                prepared?;
            }
            return Err(Error::Server(error));
        }
        changed?;
        self.prepare_session().await
    }

    /// Goes through the dialogue to its end.
    async fn changed_user(&mut self) -> Result<(), Error> {
        let mut event = None;
        loop {
            let next = match event.take() {
                Some(event) => event,
                None => self.event().await?,
            };
            event = match next {
                Event::Connected => return Ok(()),
                Event::Err(error) => return Err(Error::Server(error)),
                other => match self.answer_login(other).await {
                    Ok(event) => event,
                    Err(error) => {
                        self.session.log_in_failed();
                        return Err(self.closed(error));
                    }
                },
            };
        }
    }

    /// Does what a change of the user that nobody waits for any more still needs of the shell. A
    /// person is asked no more.
    pub(crate) async fn finish_change_of_user(&mut self) -> Result<(), Error> {
        if let Some(derivation) = self.session.key_derivation().cloned() {
            let derived = derive(derivation).await;
            let answered = derived.and_then(|key| self.session.derived(key));
            answered.map_err(|error| self.closed(error))?;
        }
        if self.session.prompt().is_some() {
            let error = self.session.drain_timed_out();
            return Err(self.closed(error));
        }
        Ok(())
    }

    /// Goes by the configuration of the user that the session has.
    pub(crate) fn take_changed_config(&mut self) {
        if let Some(config) = self.session.take_changed_config() {
            self.config = config;
            if let Some(watched) = &self.limits.watched {
                watched.set_route(self.route());
            }
        }
    }
}
