use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use otaria_connection::{Config, Connection, Error, HostStates, PoolError, SideConnections};
use tokio::runtime::{Handle, Id};
use tokio::sync::futures::Notified;
use tokio::sync::{Notify, mpsc};
use tokio::task::AbortHandle;

use crate::builder::Options;
use crate::clock::Clock;
use crate::entry::Entry;
use crate::futures::Futures;
use crate::idle::Idle;
use crate::pooled_connection::Taken;
use crate::reaper::Abandoned;

/// What a pool, its connections and its maintenance share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    /// What is known of the hosts.
    hosts: HostStates,
    pub(crate) options: Options,
    pub(crate) counters: Counters,
    /// How many connections there may be.
    max_size: AtomicUsize,
    /// How many there are, those being made included.
    live: AtomicUsize,
    clock: Clock,
    idle: Mutex<Idle<Taken>>,
    ahead: Mutex<MadeAhead>,
    /// What goes on in the background, and the runtime that it does so on.
    background: OnceLock<(Id, AbortHandle)>,
    /// Told when a connection is gone, or has been made ahead.
    changed: Notify,
    /// Told when there is something to be done in the background.
    pub(crate) wanted: Notify,
    /// Where connections go that are dropped inside a response.
    pub(crate) abandoned: mpsc::UnboundedSender<Abandoned>,
    /// Places for the connections that stop statements.
    pub(crate) side_connections: SideConnections,
    /// Where they come out, until somebody listens.
    is_started: AtomicBool,
    receiver: Mutex<Option<mpsc::UnboundedReceiver<Abandoned>>>,
}

/// What has been done since the pool was built.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) connected: Counter,
    pub(crate) connect_failures: Counter,
    pub(crate) retired: Counter,
    pub(crate) broken: Counter,
    pub(crate) timeouts: Counter,
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn count(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Counts if a hook panics while it is there.
struct CountedPanic<'c>(&'c Counter);

impl Drop for CountedPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.count();
        }
    }
}

impl Shared {
    pub(crate) fn new(config: Config, options: Options) -> Arc<Self> {
        // No more come than there are connections.
        let (abandoned, receiver) = mpsc::unbounded_channel();
        Arc::new(Self {
            config,
            hosts: HostStates::new(),
            counters: Counters::default(),
            max_size: AtomicUsize::new(options.max_size),
            live: AtomicUsize::new(0),
            clock: Clock::new(),
            idle: Mutex::new(Idle::new()),
            ahead: Mutex::default(),
            background: OnceLock::new(),
            changed: Notify::new(),
            wanted: Notify::new(),
            abandoned,
            side_connections: SideConnections::new(options.reaper_limit),
            is_started: AtomicBool::new(false),
            receiver: Mutex::new(Some(receiver)),
            options,
        })
    }

    /// Whether somebody has [asked](Self::take_receiver) where abandoned connections come out.
    #[inline]
    pub(crate) fn is_started(&self) -> bool {
        self.is_started.load(Ordering::Relaxed)
    }

    /// Where abandoned connections come out, for who asks first.
    pub(crate) fn take_receiver(&self) -> Option<mpsc::UnboundedReceiver<Abandoned>> {
        self.is_started.store(true, Ordering::Relaxed);
        let receiver = self.receiver.lock();
        receiver.unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn live(&self) -> usize {
        self.live.load(Ordering::Acquire)
    }

    pub(crate) fn max_size(&self) -> usize {
        self.max_size.load(Ordering::Acquire)
    }

    pub(crate) fn set_max_size(&self, connections: usize) {
        self.max_size.store(connections, Ordering::Release);
        self.changed.notify_waiters();
    }

    /// How many connections there should always be.
    pub(crate) fn min_size(&self) -> usize {
        self.options.min_size.min(self.max_size())
    }

    /// How many connections are missing to those.
    pub(crate) fn missing(&self) -> usize {
        self.min_size().saturating_sub(self.live())
    }

    /// When a connection is gone, or has been made ahead, from the first poll on.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Waits until there is no connection.
    pub(crate) async fn wait_until_all_are_gone(&self) {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.live() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// A connection: one that was made ahead, or a new one as soon as there is room.
    pub(crate) async fn connection(self: &Arc<Self>) -> Result<Box<Entry>, Error> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let made = self.ahead().made.pop();
            if let Some(mut entry) = made {
                if entry.recycle().await.is_ok() {
                    return Ok(entry);
                }
                continue;
            }
            if let Some(live) = Live::reserve(self) {
                return self.connect(live).await;
            }
            // One is being made ahead, or has come back and is being closed.
            changed.await;
        }
    }

    /// A place for a connection that is to be made before anybody asks for it, if there is one.
    pub(crate) fn reserve_ahead(self: &Arc<Self>) -> Option<Ahead> {
        let live = Live::reserve(self)?;
        self.ahead().being_made += 1;
        Some(Ahead {
            live: Some(live),
            shared: Arc::clone(self),
        })
    }

    /// Makes a connection for whoever asks for one next.
    pub(crate) async fn connect_ahead(&self, mut place: Ahead) -> Result<(), Error> {
        let Some(live) = place.live.take() else {
            return Ok(());
        };
        let entry = self.connect(live).await?;
        self.keep_made(entry);
        Ok(())
    }

    /// Keeps a connection for whoever asks for one next, unless nobody does any more, or the pool has
    /// become smaller while it was made.
    fn keep_made(&self, entry: Box<Entry>) {
        let mut ahead = self.ahead();
        if ahead.is_closed || self.live() > self.max_size() {
            drop(ahead);
            return drop(entry);
        }
        ahead.made.push(entry);
    }

    /// Waits until as many connections are there as there should always be.
    pub(crate) async fn prewarm(self: &Arc<Self>) -> Result<(), Error> {
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let mut connecting = Futures::new();
            for _ in 0..self.missing() {
                if let Some(place) = self.reserve_ahead() {
                    let shared = Arc::clone(self);
                    connecting.push(async move { shared.connect_ahead(place).await });
                }
            }
            let mut is_done = true;
            while let Some(made) = poll_fn(|context| connecting.poll_next(context)).await {
                // A panic of a hook is the caller's.
                made.unwrap_or_else(|panic| resume_unwind(panic))?;
                is_done = false;
            }
            if !is_done {
                continue;
            }
            if self.ahead().being_made == 0 {
                return Ok(());
            }
            changed.await;
        }
    }

    /// How many connections have been made that nobody has taken yet.
    pub(crate) fn made(&self) -> usize {
        self.ahead().made.len()
    }

    /// Closes those of them that are not to be kept.
    pub(crate) fn retain_made(&self, mut is_kept: impl FnMut(&Entry) -> bool) {
        let mut retired = Vec::new();
        let mut ahead = self.ahead();
        for entry in std::mem::take(&mut ahead.made) {
            if is_kept(&entry) {
                ahead.made.push(entry);
            } else {
                retired.push(entry);
            }
        }
        drop(ahead);
        drop(retired);
    }

    /// Closes as many of them as there are more connections than there may be.
    pub(crate) fn close_excess(&self) {
        let mut excess = self.live().saturating_sub(self.max_size());
        self.retain_made(|_| {
            let is_kept = excess == 0;
            excess = excess.saturating_sub(1);
            is_kept
        });
    }

    /// Closes all of them, and those that are being made as soon as they are.
    pub(crate) fn close_made(&self) {
        let mut ahead = self.ahead();
        ahead.is_closed = true;
        let made = std::mem::take(&mut ahead.made);
        drop(ahead);
        drop(made);
    }

    async fn connect(&self, live: Live) -> Result<Box<Entry>, Error> {
        let counters = &self.counters;
        let panic = CountedPanic(&counters.connect_failures);
        let made = self.make(live).await;
        drop(panic);
        match &made {
            Ok(_) => counters.connected.count(),
            Err(_) => counters.connect_failures.count(),
        }
        made.map_err(|error| match error {
            error @ Error::Pool(_) => error,
            // Who calls a verb of the pool sees that it is not about the statement.
            error => Error::Pool(PoolError::Connect(Box::new(error))),
        })
    }

    async fn make(&self, live: Live) -> Result<Box<Entry>, Error> {
        let mut connection = match &self.options.hooks.connect {
            Some(connect) => connect(self.config.clone()).await?,
            None => Connection::connect_with_hosts(&self.config, &self.hosts).await?,
        };
        connection.limit_side_connections(self.side_connections.clone());
        let mut entry = Box::new(Entry::new(connection, live));
        entry.set_up().await?;
        Ok(entry)
    }

    #[inline]
    pub(crate) const fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The connections that can be taken at once.
    #[inline]
    pub(crate) fn idle(&self) -> MutexGuard<'_, Idle<Taken>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says what goes on in the background.
    pub(crate) fn set_background(&self, runtime: Id, task: AbortHandle) {
        // There is one task only.
        let _ = self.background.set((runtime, task));
    }

    /// Whether the runtime is there that the background goes on on.
    #[inline]
    pub(crate) fn has_background(&self) -> bool {
        let background = self.background.get();
        background.is_some_and(|(_, task)| !task.is_finished())
    }

    /// Whether this is called on the runtime that the background goes on on.
    pub(crate) fn is_at_home(&self) -> bool {
        let here = Handle::try_current().map(|runtime| runtime.id());
        let home = self.background.get();
        matches!((here, home), (Ok(here), Some((home, _))) if here == *home)
    }

    fn ahead(&self) -> MutexGuard<'_, MadeAhead> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections that are made before anybody asks for them.
#[derive(Debug, Default)]
struct MadeAhead {
    #[expect(clippy::vec_box, reason = "they are handed on in their boxes")]
    made: Vec<Box<Entry>>,
    being_made: usize,
    /// Whether nobody is going to ask for one.
    is_closed: bool,
}

/// The place of one that is being made.
#[derive(Debug)]
pub(crate) struct Ahead {
    live: Option<Live>,
    shared: Arc<Shared>,
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.shared.ahead().being_made -= 1;
        self.shared.changed.notify_waiters();
    }
}

/// A connection's place among those that there are, from before it is made until it is gone.
#[derive(Debug)]
pub(crate) struct Live(Arc<Shared>);

impl Live {
    /// A place, if there is one.
    fn reserve(shared: &Arc<Shared>) -> Option<Self> {
        let max_size = shared.max_size();
        let more = |live: usize| (live < max_size).then_some(live + 1);
        let reserved = shared
            .live
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more);
        reserved.is_ok().then(|| Self(Arc::clone(shared)))
    }

    #[inline]
    pub(crate) const fn shared(&self) -> &Arc<Shared> {
        &self.0
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Ordering::AcqRel);
        self.0.changed.notify_waiters();
        if self.0.missing() > 0 {
            self.0.wanted.notify_one();
        }
    }
}
