//! Futures that are dropped after so many polls.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Polls `future` at most `polls` times and drops it. `Some` if it was ready by then.
pub async fn poll_times<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    PollTimes {
        future: Box::pin(future),
        left: polls,
    }
    .await
}

struct PollTimes<F> {
    future: Pin<Box<F>>,
    left: usize,
}

impl<F: Future> Future for PollTimes<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        self.left -= 1;
        match self.future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    }
}

/// Runs `scenario` with 0 polls, 1 poll, 2 polls and so on for its future, until it says that the
/// future was ready. Returns how many polls that took.
///
/// Over a pipe that gives one byte a poll this is a cut at every byte as well.
pub async fn at_every_poll(mut scenario: impl AsyncFnMut(usize) -> bool) -> usize {
    for polls in 0..POLLS_LIMIT {
        if scenario(polls).await {
            return polls;
        }
    }
    panic!("the future was not ready after {POLLS_LIMIT} polls");
}

/// Runs `scenario` once for every byte of a response of `bytes` bytes, which is cut there.
pub async fn at_every_byte(bytes: usize, mut scenario: impl AsyncFnMut(usize)) {
    for byte in 0..=bytes {
        scenario(byte).await;
    }
}

/// More than any scenario needs: one that reaches it goes round in circles.
const POLLS_LIMIT: usize = 100_000;
