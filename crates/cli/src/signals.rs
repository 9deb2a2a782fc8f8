//! What ends the tool from outside.

use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::failure::Failure;

/// A signal that asks the tool to end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    /// The terminal is gone.
    Hangup,
    /// Ctrl-C.
    Interrupt,
    /// `kill`.
    Terminate,
}

impl Signal {
    pub(crate) const fn number(self) -> u8 {
        match self {
            Self::Hangup => 1,
            Self::Interrupt => 2,
            Self::Terminate => 15,
        }
    }
}

/// The signals of this process, from the time that this is made. None is lost in between.
#[derive(Debug)]
pub(crate) struct Signals {
    hangup: Option<Stream>,
    interrupt: Option<Stream>,
    terminate: Option<Stream>,
}

impl Signals {
    /// Those that whoever started the process has not told it to ignore, as `nohup` does.
    pub(crate) fn new() -> Result<Self, Failure> {
        let ignored = ignored_signals();
        let stream = |kind: SignalKind, which: Signal| {
            let is_ignored = ignored >> (which.number() - 1) & 1 == 1;
            let stream = (!is_ignored).then(|| signal(kind));
            stream.transpose().map_err(Failure::of_system)
        };
        Ok(Self {
            hangup: stream(SignalKind::hangup(), Signal::Hangup)?,
            interrupt: stream(SignalKind::interrupt(), Signal::Interrupt)?,
            terminate: stream(SignalKind::terminate(), Signal::Terminate)?,
        })
    }

    /// The next signal. A dropped future loses none.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = received(&mut self.hangup) => Signal::Hangup,
            () = received(&mut self.interrupt) => Signal::Interrupt,
            () = received(&mut self.terminate) => Signal::Terminate,
        }
    }

    /// What `work` comes to, unless a signal comes first.
    pub(crate) async fn unless_any<T>(
        &mut self,
        work: impl Future<Output = Result<T, Failure>>,
    ) -> Result<T, Failure> {
        tokio::select! {
            biased;
            signal = self.next() => Err(Failure::Interrupted { signal, stopped: None }),
            done = work => done,
        }
    }
}

async fn received(stream: &mut Option<Stream>) {
    match stream {
        Some(stream) => {
            stream.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// A bit for each signal that this process was started to ignore, that of number 1 the lowest. Known
/// on Linux only; elsewhere none.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored_in(&status)
}

fn ignored_in(status: &str) -> u64 {
    let mut lines = status.lines();
    let mask = lines.find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signals_that_are_ignored_are_read_from_the_process_status() {
        let status = "SigBlk:\t0000000000000000\nSigIgn:\t0000000000001001\n";
        assert_eq!(ignored_in(status), 0x1001);
        assert_eq!(ignored_in(""), 0);
    }
}
