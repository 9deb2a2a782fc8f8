use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool::managed::{self, PoolConfig, QueueMode};
use otaria_connection::{Config, Error, PoolError};
use tokio::runtime::Handle;
use tokio::time::sleep;

use crate::builder::{Options, PoolBuilder};
use crate::maintenance::Maintenance;
use crate::manager::Manager;
use crate::phase::poll_checkout;
use crate::pooled_connection::Taken;
use crate::shared::Shared;
use crate::{PoolStatus, PooledConnection};

/// Connections that are kept for whoever needs one next. Clones are the same pool.
///
/// Those who wait get one in the order in which they have come; of the connections that are idle the
/// one that came back last is taken.
///
/// When the last clone is dropped, connections that are idle are closed, and others when they come back.
/// What runs on of a statement that was given up, before or after that, is ended in the background all
/// the same, as long as there is the runtime; [`close`](Self::close) waits for that.
///
/// ```no_run
/// use otaria_connection::{Config, Error};
/// use otaria_pool::Pool;
///
/// # async fn names() -> Result<(), Error> {
/// let config: Config = "mariadb://app:secret@db.example.org/shop".parse()?;
/// let pool = Pool::builder(config).max_size(16).build();
/// let mut connection = pool.get().await?;
/// let names: Vec<(String,)> = connection.query_all("SELECT name FROM customer", ()).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Pool {
    inner: managed::Pool<Manager, PooledConnection>,
    shared: Arc<Shared>,
}

impl Pool {
    /// A pool with all options at their defaults.
    pub fn new(config: Config) -> Self {
        Self::builder(config).build()
    }

    /// A pool of connections that are made by `config`.
    pub fn builder(config: Config) -> PoolBuilder {
        PoolBuilder::new(config)
    }

    #[expect(
        clippy::expect_used,
        reason = "without timeouts, deadpool builds any pool"
    )]
    pub(crate) fn of(config: Config, options: Options) -> Self {
        let shared = Shared::new(config, options);
        let manager = Manager {
            shared: Arc::clone(&shared),
        };
        let config = PoolConfig {
            queue_mode: QueueMode::Lifo,
            ..PoolConfig::new(shared.options.max_size)
        };
        let inner = managed::Pool::builder(manager).config(config).build();
        let pool = Self {
            inner: inner.expect("deadpool is given no timeouts"),
            shared,
        };
        pool.start();
        pool
    }

    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Starts what goes on in the background, once there is a runtime to do it on.
    fn start(&self) {
        if !self.shared.is_started()
            && let Ok(runtime) = Handle::try_current()
            && let Some(abandoned) = self.shared.take_receiver()
        {
            let shared = Arc::clone(&self.shared);
            let maintenance = Maintenance::new(self.inner.weak(), shared, abandoned);
            let task = runtime.spawn(maintenance.run()).abort_handle();
            self.shared.set_background(runtime.id(), task);
        }
    }

    /// Takes an idle connection, or makes one, or waits for one to come back.
    ///
    /// No round trip is needed for one that has been used
    /// [lately](PoolBuilder::verify_after): whether the server has closed it shows on the socket.
    ///
    /// # Errors
    /// [`Error::Pool`], with [`PoolError::Timeout`] if it took longer than
    /// [`get_timeout`](PoolBuilder::get_timeout), [`PoolError::Closed`] if the pool is closed, and
    /// [`PoolError::Connect`] with the error of
    /// [`Connection::connect`](otaria_connection::Connection::connect) if that fails.
    ///
    /// # Cancel safety
    /// Safe. The place in the queue is lost, and a connection that was being made is closed.
    pub async fn get(&self) -> Result<PooledConnection, Error> {
        match self.take() {
            Ok(connection) => Ok(connection),
            // In a box, so that the future of who need not wait is small.
            Err(unfit) => Box::pin(self.checkout(unfit, self.get_timeout())).await,
        }
    }

    /// The same, in the time that there is.
    pub(crate) async fn get_within(
        &self,
        limit: Option<Duration>,
    ) -> Result<PooledConnection, Error> {
        match self.take() {
            Ok(connection) => Ok(connection),
            Err(unfit) => Box::pin(self.checkout(unfit, limit)).await,
        }
    }

    /// Takes an idle connection if there is one that is fit for use. There may be one that is not.
    pub(crate) fn take(&self) -> Result<PooledConnection, Option<Taken>> {
        let mut idle = self.shared.idle().pop();
        match idle.take_if(|taken| taken.is_fit()) {
            Some(taken) => Ok(taken.into()),
            None => Err(idle),
        }
    }

    pub(crate) fn get_timeout(&self) -> Option<Duration> {
        self.shared.options.get_timeout
    }

    /// Takes a connection by way of deadpool, which may have to wait for one. `unfit` may be one that
    /// is to be made fit.
    pub(crate) async fn checkout(
        &self,
        unfit: Option<Taken>,
        limit: Option<Duration>,
    ) -> Result<PooledConnection, Error> {
        self.start();
        self.shared.clock().look();
        let _waiting = Waiting::begin(&self.shared, unfit);
        let checkout = pin!(self.inner.get());
        let connection = match limit {
            Some(limit) => self.checkout_within(limit, checkout).await?,
            None => checkout.await,
        };
        match connection {
            // It was closed while the connection was being made.
            Ok(_) if self.inner.is_closed() => Err(Error::Pool(PoolError::Closed)),
            Ok(connection) => Ok(connection),
            Err(managed::PoolError::Backend(error)) => Err(error),
            // deadpool knows of no timeouts and no hooks, so that nothing else is left.
            Err(_) => Err(Error::Pool(PoolError::Closed)),
        }
    }

    /// Closes the pool, and waits until the last connection is gone. Who waits for one gets
    /// [`PoolError::Closed`], as does who asks for one from now on. Connections that are in use stay
    /// usable and are closed when they come back.
    ///
    /// # Cancel safety
    /// Safe. The pool is closed by the first poll; call it again to wait.
    pub async fn close(&self) {
        self.inner.close();
        let idle = self.shared.idle().close();
        drop(idle);
        self.shared.close_made();
        self.shared.wait_until_all_are_gone().await;
    }

    /// Waits until there are [`min_size`](PoolBuilder::min_size) connections, which are made side by
    /// side as far as they are missing.
    ///
    /// # Errors
    /// [`PoolError::Closed`]; that of the first connection that cannot be made.
    ///
    /// # Cancel safety
    /// Safe. What was made stays in the pool.
    pub async fn prewarm(&self) -> Result<(), Error> {
        self.start();
        if self.is_closed() {
            return Err(Error::Pool(PoolError::Closed));
        }
        self.shared.prewarm().await?;
        if self.is_closed() {
            return Err(Error::Pool(PoolError::Closed));
        }
        Ok(())
    }

    /// Changes how many connections there may be. If there are more than that, idle ones are closed at
    /// once, and others when they come back. Nothing happens if the pool is closed.
    pub fn resize(&self, connections: usize) {
        if self.is_closed() {
            return;
        }
        let connections = connections.max(1);
        self.shared.set_max_size(connections);
        let idle = self.shared.idle().resize(connections < self.shared.live());
        idle.into_iter().for_each(Taken::leave_to_deadpool);
        self.inner.resize(connections);
        self.shared.close_excess();
    }

    /// Whether the pool is closed.
    pub fn is_closed(&self) -> bool {
        self.inner.is_closed()
    }

    /// What the pool holds and has done.
    pub fn status(&self) -> PoolStatus {
        let status = self.inner.status();
        let counters = &self.shared.counters;
        PoolStatus {
            max_size: status.max_size,
            size: self.shared.live(),
            idle: status.available + self.shared.idle().len() + self.shared.made(),
            waiting: status.waiting,
            connected: counters.connected.get(),
            connect_failures: counters.connect_failures.get(),
            retired: counters.retired.get(),
            broken: counters.broken.get(),
            timeouts: counters.timeouts.get(),
        }
    }

    /// Awaits `checkout` for at most as long as `limit`. There is a timer only if it has to wait.
    async fn checkout_within<F: Future>(
        &self,
        limit: Duration,
        mut checkout: Pin<&mut F>,
    ) -> Result<F::Output, Error> {
        let first = poll_fn(|context| Poll::Ready(poll_checkout(checkout.as_mut(), context)));
        if let Ok(connection) = first.await {
            return Ok(connection);
        }
        let mut deadline = pin!(sleep(limit));
        poll_fn(|context| match poll_checkout(checkout.as_mut(), context) {
            Ok(connection) => Poll::Ready(Ok(connection)),
            Err(phase) => deadline.as_mut().poll(context).map(|()| {
                self.shared.counters.timeouts.count();
                Err(Error::Pool(PoolError::Timeout { phase }))
            }),
        })
        .await
    }
}

/// Somebody who waits for a connection.
struct Waiting<'p>(&'p Shared);

impl<'p> Waiting<'p> {
    /// From now on, what comes back is for those who wait; as is `unfit`, or else what has come back
    /// in the meantime.
    fn begin(shared: &'p Shared, unfit: Option<Taken>) -> Self {
        let taken = shared.idle().begin_to_wait(unfit);
        if let Some(taken) = taken {
            taken.leave_to_deadpool();
        }
        Self(shared)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.idle().end_to_wait();
    }
}
