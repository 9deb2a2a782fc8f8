//! What is done to which byte.

use std::time::Duration;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Direction {
    /// What the client sends.
    ToServer,
    /// What the server sends.
    ToClient,
}

impl Direction {
    pub(super) const BOTH: [Self; 2] = [Self::ToServer, Self::ToClient];
}

/// How a connection is ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum End {
    /// The receiver reads the end of what was sent to it; what it sends in its turn still passes.
    Close,
    /// Both sides get an error, and lose what they have not yet read.
    Reset,
    /// Nothing passes any more, and nobody is told.
    Silence,
}

/// What is done to all connections of a proxy.
#[derive(Clone, Debug, Default)]
pub(super) struct Rules {
    pub(super) seed: u64,
    pub(super) longest_segment: Option<usize>,
    /// How many of 1,000 segments, and for how long at most.
    pub(super) delays: (u32, Duration),
    /// How many of 1,000 connections, behind how many bytes at most, and how.
    pub(super) ends: (u32, u64, Vec<End>),
    /// Ends that do not come from the seed.
    pub(super) told: Vec<(usize, Direction, u64, End)>,
}

impl Rules {
    /// Where this connection ends. Both directions come to the same answer.
    fn fate(&self, connection: usize) -> Option<(Direction, u64, End)> {
        let told = self.told.iter().find(|told| told.0 == connection);
        if let Some((_, direction, bytes, end)) = told {
            return Some((*direction, *bytes, *end));
        }
        let mut random = self.random(connection, 0);
        let (per_thousand, within, ends) = &self.ends;
        if ends.is_empty() || random.u32(0..1000) >= *per_thousand {
            return None;
        }
        let direction = Direction::BOTH[random.usize(0..2)];
        // A login is short, and what follows is long.
        let within = match random.u8(0..3) {
            0 => LOGIN_BYTES.min(*within),
            _ => *within,
        };
        let bytes = random.u64(0..=within);
        Some((direction, bytes, ends[random.usize(0..ends.len())]))
    }

    fn random(&self, connection: usize, purpose: u64) -> fastrand::Rng {
        // Seeds that are near each other would begin alike.
        let mut numbers = fastrand::Rng::with_seed(self.seed ^ (connection as u64 * 4 + purpose));
        numbers.fork()
    }
}

/// What becomes of the bytes of one connection in one direction.
#[derive(Debug)]
pub(super) struct Plan {
    direction: Direction,
    random: fastrand::Rng,
    segments: usize,
    delays: (u32, Duration),
    end: Option<(u64, End)>,
    bytes: u64,
    /// What is left of the segment that is being passed on.
    left: usize,
}

/// The next thing to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    Pass(usize),
    Delay(Duration),
    End(End),
}

impl Plan {
    pub(super) fn new(rules: &Rules, connection: usize, direction: Direction) -> Self {
        let fate = rules.fate(connection);
        let end = fate.filter(|fate| fate.0 == direction);
        let segments = match rules.longest_segment {
            Some(longest) => longest,
            None if rules.delays.0 > 0 => SEGMENT_BYTES,
            None => usize::MAX,
        };
        Self {
            direction,
            random: rules.random(connection, 1 + direction as u64),
            segments,
            delays: rules.delays,
            end: end.map(|(_, bytes, end)| (bytes, end)),
            bytes: 0,
            left: 0,
        }
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    /// How many bytes have been passed on.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What to do while `there` bytes are there to be passed on.
    pub(super) fn step(&mut self, there: usize) -> Step {
        if let Some((at, end)) = self.end
            && at == self.bytes
        {
            self.end = None;
            return Step::End(end);
        }
        if self.left == 0 {
            self.left = self.random.usize(1..=self.segments);
            let (per_thousand, longest) = self.delays;
            if self.random.u32(0..1000) < per_thousand {
                return Step::Delay(longest.mul_f64(self.random.f64()));
            }
        }
        let until_end = self.end.map_or(u64::MAX, |(at, _)| at - self.bytes);
        let until_end = usize::try_from(until_end).unwrap_or(usize::MAX);
        let count = there.min(self.left).min(until_end);
        self.left -= count;
        self.bytes += count as u64;
        Step::Pass(count)
    }
}

/// In which of the first bytes a third of the ends are.
const LOGIN_BYTES: u64 = 300;

/// How far apart delays are where nothing else splits.
const SEGMENT_BYTES: usize = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(seed: u64) -> Rules {
        Rules {
            seed,
            longest_segment: Some(100),
            delays: (50, Duration::from_millis(20)),
            ends: (500, 10_000, vec![End::Close, End::Reset, End::Silence]),
            told: Vec::new(),
        }
    }

    /// What happens in front of which byte, when the bytes come `at_once` at a time.
    fn steps(rules: &Rules, connection: usize, at_once: usize) -> Vec<(u64, Step)> {
        let mut steps = Vec::new();
        for direction in Direction::BOTH {
            let mut plan = Plan::new(rules, connection, direction);
            while plan.bytes() < 20_000 {
                let bytes = plan.bytes();
                match plan.step(at_once) {
                    Step::Pass(_) => {}
                    step => steps.push((bytes, step)),
                }
            }
        }
        steps
    }

    #[test]
    fn the_same_seed_makes_the_same_faults_however_the_bytes_come() {
        for connection in 0..100 {
            let whole = steps(&rules(7), connection, 5_000);
            assert_eq!(whole, steps(&rules(7), connection, 1));
            assert_eq!(whole, steps(&rules(7), connection, 64));
        }
    }

    #[test]
    fn another_seed_and_another_connection_make_other_faults() {
        let first = steps(&rules(7), 0, 64);
        assert_ne!(first, steps(&rules(8), 0, 64));
        assert_ne!(first, steps(&rules(7), 1, 64));
        assert!(first.len() > 5, "{first:?}");
    }

    #[test]
    fn half_of_the_connections_end_as_the_rules_say_and_in_one_direction() {
        let ends = |connection| {
            let steps = steps(&rules(3), connection, 64);
            let ends = steps
                .into_iter()
                .filter(|(_, step)| matches!(step, Step::End(_)));
            ends.collect::<Vec<_>>()
        };
        let all: Vec<_> = (0..1000).flat_map(ends).collect();
        assert!((0..1000).all(|connection| ends(connection).len() <= 1));
        assert!((400..600).contains(&all.len()), "{}", all.len());
        assert!(all.iter().all(|(bytes, _)| *bytes <= 10_000));
        let early = all.iter().filter(|(bytes, _)| *bytes <= 300).count();
        assert!((120..250).contains(&early), "{early} in the login");
        for end in [End::Close, End::Reset, End::Silence] {
            let count = all.iter().filter(|(_, step)| *step == Step::End(end));
            assert!(count.count() > 100);
        }
    }

    #[test]
    fn no_segment_is_longer_than_the_longest() {
        let mut plan = Plan::new(&rules(5), 1, Direction::ToClient);
        let mut longest = 0;
        while plan.bytes() < 20_000 {
            if let Step::Pass(count) = plan.step(5_000) {
                longest = longest.max(count);
            }
        }
        assert!((90..=100).contains(&longest), "{longest}");
    }
}
