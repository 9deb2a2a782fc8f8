//! What goes on in the background of a pool: one task for all of it.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use deadpool::managed::{Pool, WeakPool};
use otaria_connection::Error;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep, sleep};

use crate::futures::Futures;
use crate::manager::Manager;
use crate::reaper::Abandoned;
use crate::shared::Shared;

/// Settles what is abandoned, closes what is too old or idle for too long, and makes what is missing,
/// until the pool is gone, which it does not keep from that; and settles then what is abandoned of the
/// connections that are still in use.
#[derive(Debug)]
pub(crate) struct Maintenance {
    pool: WeakPool<Manager>,
    shared: Arc<Shared>,
    abandoned: mpsc::UnboundedReceiver<Abandoned>,
    reaping: Futures<()>,
    connecting: Futures<Result<(), Error>>,
    /// Before that, no more connections are made.
    connect_at: Instant,
}

enum Event {
    Abandoned(Abandoned),
    Reaped,
    Connected,
    NotConnected,
    /// There is something to be done, or it is time to look whether there is.
    Round,
}

impl Maintenance {
    pub(crate) fn new(
        pool: WeakPool<Manager>,
        shared: Arc<Shared>,
        abandoned: mpsc::UnboundedReceiver<Abandoned>,
    ) -> Self {
        Self {
            pool,
            shared,
            abandoned,
            reaping: Futures::new(),
            connecting: Futures::new(),
            connect_at: Instant::now(),
        }
    }

    pub(crate) async fn run(mut self) {
        let mut timer = pin!(sleep(Duration::ZERO));
        loop {
            let event = self.event(timer.as_mut()).await;
            if let Event::Abandoned(abandoned) = event {
                self.reaping.push(abandoned.reap());
                continue;
            }
            let Some(pool) = self.pool.upgrade() else {
                return self.finish().await;
            };
            match event {
                Event::Abandoned(_) | Event::Reaped | Event::Connected => {}
                Event::NotConnected => {
                    // Where one cannot be made, another one cannot either: in a while.
                    self.connect_at = Instant::now() + RETRY_TIME;
                    timer.as_mut().reset(self.next_round());
                }
                Event::Round => {
                    let now = Instant::now();
                    timer.as_mut().reset(self.next_round());
                    retire(&pool, &self.shared);
                    if !pool.is_closed() {
                        self.connect(now);
                    }
                }
            }
        }
    }

    /// Settles what is abandoned until the last connection is gone.
    async fn finish(mut self) {
        self.connecting = Futures::new();
        let shared = Arc::clone(&self.shared);
        while shared.live() > 0 {
            let mut changed = pin!(shared.changed());
            poll_fn(|context| {
                let is_changed = changed.as_mut().poll(context);
                while let Poll::Ready(Some(abandoned)) = self.abandoned.poll_recv(context) {
                    self.reaping.push(abandoned.reap());
                }
                match self.reaping.poll_next(context) {
                    Poll::Ready(Some(_)) => Poll::Ready(()),
                    // Whether the last one has gone is to be looked at behind the first poll of that.
                    _ if shared.live() == 0 => Poll::Ready(()),
                    _ => is_changed,
                }
            })
            .await;
        }
    }

    fn next_round(&self) -> Instant {
        let now = Instant::now();
        let round = now + interval(&self.shared);
        let waits_to_connect = now < self.connect_at && self.shared.missing() > 0;
        if waits_to_connect {
            round.min(self.connect_at)
        } else {
            round
        }
    }

    /// Makes what is missing.
    fn connect(&mut self, now: Instant) {
        if now < self.connect_at {
            return;
        }
        for _ in 0..self.shared.missing() {
            let shared = Arc::clone(&self.shared);
            let Some(place) = shared.reserve_ahead() else {
                return;
            };
            let connect = async move { shared.connect_ahead(place).await };
            self.connecting.push(connect);
        }
    }

    async fn event(&mut self, mut timer: Pin<&mut Sleep>) -> Event {
        let shared = Arc::clone(&self.shared);
        let mut wanted = pin!(shared.wanted.notified());
        poll_fn(|context| {
            if let Poll::Ready(Some(abandoned)) = self.abandoned.poll_recv(context) {
                return Poll::Ready(Event::Abandoned(abandoned));
            }
            // It was closed if its judge has panicked.
            if let Poll::Ready(Some(_)) = self.reaping.poll_next(context) {
                return Poll::Ready(Event::Reaped);
            }
            if let Poll::Ready(Some(made)) = self.connecting.poll_next(context) {
                let is_made = matches!(made, Ok(Ok(())));
                return Poll::Ready(if is_made {
                    Event::Connected
                } else {
                    Event::NotConnected
                });
            }
            let is_wanted = wanted.as_mut().poll(context).is_ready();
            if is_wanted || timer.as_mut().poll(context).is_ready() {
                return Poll::Ready(Event::Round);
            }
            Poll::Pending
        })
        .await
    }
}

/// Closes the idle connections that are too old, and those that are idle for too long as far as there
/// are more than there should always be.
fn retire(pool: &Pool<Manager>, shared: &Shared) {
    let now = shared.clock().look();
    let mut spare = shared.live().saturating_sub(shared.min_size());
    let mut is_kept = |entry: &crate::entry::Entry| {
        let is_spare = spare > 0 && entry.is_idle_for_too_long(now);
        if !is_spare && !entry.is_too_old(now) {
            return true;
        }
        spare = spare.saturating_sub(1);
        shared.counters.retired.count();
        false
    };
    // Those that are closed say so, which is not to be done under the pool's lock.
    let retired = pool.retain(|entry, _| is_kept(entry));
    drop(retired);
    let idle = shared.idle().take_unless(|taken| is_kept(taken));
    for taken in idle {
        drop(taken.detach());
    }
    shared.retain_made(is_kept);
}

/// How often is looked for connections that are to be closed. The pool's clock goes by it.
fn interval(shared: &Shared) -> Duration {
    let options = &shared.options;
    let limits = [
        options.idle_timeout,
        options.max_lifetime,
        options.verify_after,
    ];
    let shortest = limits.into_iter().flatten().min();
    let interval = shortest.unwrap_or(MAX_INTERVAL) / 10;
    interval.clamp(MIN_INTERVAL, MAX_INTERVAL)
}

/// How long after a failure connections are made again in the background.
const RETRY_TIME: Duration = Duration::from_secs(1);
const MIN_INTERVAL: Duration = Duration::from_millis(100);
const MAX_INTERVAL: Duration = Duration::from_secs(30);
