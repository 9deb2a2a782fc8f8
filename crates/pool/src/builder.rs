use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use otaria_connection::{CallbackFuture, Config, Connection, Error, ResetPolicy};

use crate::Pool;
use crate::hooks::Hooks;

/// How a [`Pool`] is made.
#[derive(Clone, Debug)]
#[must_use]
pub struct PoolBuilder {
    config: Config,
    options: Options,
}

/// What a pool is told beside the configuration of its connections.
#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) max_size: usize,
    pub(crate) min_size: usize,
    pub(crate) get_timeout: Option<Duration>,
    pub(crate) max_lifetime: Option<Duration>,
    pub(crate) lifetime_jitter: Duration,
    pub(crate) idle_timeout: Option<Duration>,
    pub(crate) verify_after: Option<Duration>,
    pub(crate) reset_policy: ResetPolicy,
    pub(crate) reaper_limit: usize,
    pub(crate) hooks: Hooks,
}

impl PoolBuilder {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            config,
            options: Options {
                max_size: 8,
                min_size: 0,
                get_timeout: Some(Duration::from_secs(30)),
                max_lifetime: Some(Duration::from_secs(30 * 60)),
                lifetime_jitter: Duration::from_secs(3 * 60),
                idle_timeout: Some(Duration::from_secs(10 * 60)),
                verify_after: Some(Duration::from_secs(30)),
                reset_policy: ResetPolicy::WhenChanged,
                reaper_limit: 4,
                hooks: Hooks::default(),
            },
        }
    }

    /// How many connections there may be, those in use and those being made included: 8 by default,
    /// and at least 1.
    pub fn max_size(mut self, connections: usize) -> Self {
        self.options.max_size = connections.max(1);
        self
    }

    /// How many connections are kept even if nobody needs them: none by default, and at most
    /// [`max_size`](Self::max_size). They are made in the background; [`Pool::prewarm`] waits for
    /// them.
    pub fn min_size(mut self, connections: usize) -> Self {
        self.options.min_size = connections;
        self
    }

    /// How long it may take to get a connection, waiting, connecting and all the rest included: 30
    /// seconds by default; `None` for as long as it takes.
    pub fn get_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.options.get_timeout = timeout.into();
        self
    }

    /// How old a connection may become: 30 minutes by default; `None` for any age. One that is in use
    /// then is closed when it comes back. It has to be less than the server's `wait_timeout`, and than
    /// what a proxy or a firewall allows.
    pub fn max_lifetime(mut self, age: impl Into<Option<Duration>>) -> Self {
        self.options.max_lifetime = age.into();
        self
    }

    /// By how much at most the lifetime of each connection is shortened, at random, so that those
    /// made together are not all replaced at once: 3 minutes by default.
    pub fn lifetime_jitter(mut self, jitter: Duration) -> Self {
        self.options.lifetime_jitter = jitter;
        self
    }

    /// How long a connection may be idle before it is closed, unless it is one of the
    /// [`min_size`](Self::min_size): 10 minutes by default; `None` for any time.
    pub fn idle_timeout(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.options.idle_timeout = idle.into();
        self
    }

    /// How long a connection may have been idle to be taken without a ping, less a fifth of it at
    /// most: 30 seconds by default; `None` for any time. One that the server has closed is noticed
    /// without.
    pub fn verify_after(mut self, idle: impl Into<Option<Duration>>) -> Self {
        self.options.verify_after = idle.into();
        self
    }

    /// When a connection that comes back is reset: if its session may have been changed, by default.
    pub fn reset_policy(mut self, policy: ResetPolicy) -> Self {
        self.options.reset_policy = policy;
        self
    }

    /// How many connections may be made beside those of the pool at a time, to stop statements that
    /// nobody waits for any more, whose time is over, or that a token ends: 4 by default. A call whose
    /// time is over waits for its turn as part of
    /// [`stop_timeout`](otaria_connection::ConfigBuilder::stop_timeout). With 0, nothing is stopped: a
    /// connection whose statement is not done shortly after it has come back is closed, and the
    /// statement runs on.
    pub fn reaper_limit(mut self, connections: usize) -> Self {
        self.options.reaper_limit = connections;
        self
    }

    /// Makes connections by `connect` in place of [`Connection::connect`], such as through a tunnel.
    ///
    /// ```no_run
    /// # use otaria_connection::{Config, Connection};
    /// # use otaria_pool::Pool;
    /// # fn tunnelled(config: Config) -> Pool {
    /// # async fn tunnel() -> tokio::net::TcpStream { std::future::pending().await }
    /// Pool::builder(config)
    ///     .connect_with(|config| async move {
    ///         Connection::connect_over(tunnel().await, &config).await
    ///     })
    ///     .build()
    /// # }
    /// ```
    pub fn connect_with<F, Fut>(mut self, connect: F) -> Self
    where
        F: Fn(Config) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Connection, Error>> + Send + 'static,
    {
        self.options.hooks.connect = Some(Arc::new(move |config| {
            let connecting: Pin<Box<dyn Future<Output = _> + Send>> = Box::pin(connect(config));
            connecting
        }));
        self
    }

    /// Has `hook` prepare each connection when it is made, and again when its session was reset. An
    /// error of it closes the connection, as does a panic, which goes on in the call that the connection
    /// is made for; in the background it is as if none could be made. SQL that is the same for all
    /// connections is better an [init command](otaria_connection::ConfigBuilder::init_command).
    ///
    /// ```no_run
    /// # use otaria_connection::{CallbackError, CallbackFuture, Config};
    /// # use otaria_pool::Pool;
    /// # fn tagged(config: Config) -> Pool {
    /// Pool::builder(config)
    ///     .after_connect(|connection| {
    ///         CallbackFuture::new(async move {
    ///             let set = connection.execute("SET @tenant = ?", ("a",)).await;
    ///             set.map(|_| ()).map_err(CallbackError::new)
    ///         })
    ///     })
    ///     .build()
    /// # }
    /// ```
    pub fn after_connect(
        mut self,
        hook: impl for<'c> Fn(&'c mut Connection) -> CallbackFuture<'c, ()> + Send + Sync + 'static,
    ) -> Self {
        self.options.hooks.after_connect = Some(Arc::new(hook));
        self
    }

    /// Has `hook` look at each idle connection that is about to be taken. One for which it returns an
    /// error is closed, and another is taken in its place.
    pub fn before_get(
        mut self,
        hook: impl for<'c> Fn(&'c mut Connection) -> CallbackFuture<'c, ()> + Send + Sync + 'static,
    ) -> Self {
        self.options.hooks.before_get = Some(Arc::new(hook));
        self
    }

    /// Has `judge` say of each connection that comes back whether it is kept. If it panics, the
    /// connection is closed, and the panic goes no further.
    pub fn after_return(
        mut self,
        judge: impl Fn(&Connection) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.options.hooks.after_return = Some(Arc::new(judge));
        self
    }

    /// Makes the pool. Nothing is connected yet.
    ///
    /// What goes on in the background does so on the tokio runtime that this is called in, or, if
    /// there is none, that the first connection is asked for in.
    pub fn build(mut self) -> Pool {
        self.options.min_size = self.options.min_size.min(self.options.max_size);
        Pool::of(self.config, self.options)
    }
}
