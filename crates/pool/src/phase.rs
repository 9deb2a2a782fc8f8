//! How far a checkout has come, for the error that says that it took too long.

use std::cell::Cell;
use std::pin::pin;
use std::task::{Context, Poll};

use otaria_connection::PoolPhase;

thread_local! {
    /// What the checkout that is being polled does. deadpool does not tell, and hands nothing
    /// through to the manager that could carry it.
    static PHASE: Cell<PoolPhase> = const { Cell::new(PoolPhase::Wait) };
}

/// Polls a checkout, and says what it waits for if it is not done.
pub(crate) fn poll_checkout<F: Future>(
    checkout: std::pin::Pin<&mut F>,
    context: &mut Context<'_>,
) -> Result<F::Output, PoolPhase> {
    PHASE.set(PoolPhase::Wait);
    match checkout.poll(context) {
        Poll::Ready(output) => Ok(output),
        Poll::Pending => Err(PHASE.get()),
    }
}

/// Notes, whenever `future` is polled, that the checkout is in `phase`.
pub(crate) async fn in_phase<F: Future>(phase: PoolPhase, future: F) -> F::Output {
    let mut future = pin!(future);
    std::future::poll_fn(|context| {
        PHASE.set(phase);
        future.as_mut().poll(context)
    })
    .await
}
