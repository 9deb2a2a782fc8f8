//! The connections that have come.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::{Direction, End, Passed};

/// The latest connections that have come.
#[derive(Debug, Default)]
pub(super) struct Log {
    /// How many have come before these.
    forgotten: usize,
    passed: VecDeque<Passed>,
    ended: usize,
}

impl Log {
    /// Adds a connection, and forgets the oldest if there are more than `limit`. Returns its number.
    pub(super) fn add(&mut self, passed: Passed, limit: usize) -> usize {
        self.passed.push_back(passed);
        if self.passed.len() > limit {
            self.passed.pop_front();
            self.forgotten += 1;
        }
        self.came() - 1
    }

    pub(super) fn passed(&self) -> Vec<Passed> {
        self.passed.iter().cloned().collect()
    }

    pub(super) fn came(&self) -> usize {
        self.forgotten + self.passed.len()
    }

    pub(super) fn ended(&self) -> usize {
        self.ended
    }

    pub(super) fn seen(&mut self, number: usize, address: SocketAddr) {
        if let Some(passed) = self.find(number) {
            passed.seen_by_server = Some(address);
        }
    }

    pub(super) fn end(&mut self, number: usize, ended: (Direction, u64, End)) {
        // Each direction has a plan, and one of the two an end.
        self.ended += 1;
        if let Some(passed) = self.find(number) {
            passed.ended = passed.ended.or(Some(ended));
        }
    }

    fn find(&mut self, number: usize) -> Option<&mut Passed> {
        self.passed.get_mut(number.checked_sub(self.forgotten)?)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn what_is_forgotten_still_counts() {
        let mut log = Log::default();
        let passed = |port| Passed {
            server: 0,
            client: (Ipv4Addr::LOCALHOST, port).into(),
            seen_by_server: None,
            ended: None,
        };
        for port in 0..5 {
            assert_eq!(log.add(passed(port), 2), usize::from(port));
        }
        for number in 2..5 {
            log.end(number, (Direction::ToClient, 7, End::Close));
        }
        let left: Vec<_> = log.passed().iter().map(|one| one.client.port()).collect();
        assert_eq!((left, log.came(), log.ended()), (vec![3, 4], 5, 3));
        assert!(log.passed().iter().all(|one| one.ended.is_some()));
    }
}
