//! Faults from a seed: the same seed makes the same faults.

use crate::pipe::{Action, Peer};

/// Does to another peer's answers what networks and broken servers do.
#[derive(Debug)]
pub struct Chaos<P> {
    peer: P,
    random: fastrand::Rng,
    faults: u32,
}

impl<P: Peer> Chaos<P> {
    /// Spoils about `faults` of 1,000 actions of `peer`.
    pub fn new(peer: P, seed: u64, faults: u32) -> Self {
        Self {
            peer,
            random: fastrand::Rng::with_seed(seed),
            faults,
        }
    }

    fn spoil(&mut self, actions: Vec<Action>) -> Vec<Action> {
        actions
            .into_iter()
            .flat_map(|action| self.spoil_one(action))
            .collect()
    }

    fn spoil_one(&mut self, action: Action) -> Vec<Action> {
        let Action::Send(mut bytes) = action else {
            return vec![action];
        };
        if bytes.is_empty() || self.random.u32(0..1000) >= self.faults {
            return vec![Action::Send(bytes)];
        }
        let at = self.random.usize(0..bytes.len());
        match self.random.u8(0..6) {
            0 => {
                bytes.truncate(at);
                vec![Action::Send(bytes), Action::Close]
            }
            1 => {
                bytes.truncate(at);
                vec![Action::Send(bytes), Action::Reset]
            }
            2 => {
                bytes[at] = self.random.u8(..);
                vec![Action::Send(bytes)]
            }
            3 => {
                bytes.remove(at);
                vec![Action::Send(bytes)]
            }
            4 => {
                bytes.insert(at, self.random.u8(..));
                vec![Action::Send(bytes)]
            }
            _ => vec![Action::Send(bytes.clone()), Action::Send(bytes)],
        }
    }
}

impl<P: Peer> Peer for Chaos<P> {
    fn greet(&mut self) -> Vec<Action> {
        let actions = self.peer.greet();
        self.spoil(actions)
    }

    fn receive(&mut self, bytes: &[u8]) -> Vec<Action> {
        let actions = self.peer.receive(bytes);
        self.spoil(actions)
    }
}

/// The seed of a random test: that of the environment variable `SEED`, or a new one. It is
/// printed, so that a failure can be run again.
pub fn seed() -> u64 {
    let seed = std::env::var("SEED").ok().map_or_else(
        || fastrand::u64(..),
        |text| text.parse().expect("SEED must be a number"),
    );
    println!("SEED={seed}");
    seed
}
