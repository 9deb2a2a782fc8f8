//! What the tests of Otaria stand on: a fake server made of the codec's own encoders
//! ([`script`]), at a port of its own where that matters ([`fake_server`]), an in-memory pipe that cuts where it is told to ([`pipe`]), a real stream that
//! passes a few bytes a poll ([`dribble`]), a reader that takes its time ([`slow`]), seeded faults ([`chaos`]), whole conversations made of
//! bytes ([`conversation`]), futures dropped at every poll
//! ([`polls`]), transcripts of real exchanges ([`fixture`]), real servers ([`live`]), certificates
//! ([`certificates`]), a man in the middle ([`tls_proxy`]), a network with faults ([`tcp_proxy`]),
//! what calls are told under faults ([`outcome`]), servers that do not answer ([`black_hole`]), and what a test may not leave behind ([`traces`]).

pub mod black_hole;
pub mod certificates;
pub mod chaos;
pub mod conversation;
pub mod dribble;
pub mod fake_server;
pub mod fixture;
pub mod live;
pub mod outcome;
pub mod pipe;
pub mod polls;
pub mod script;
pub mod slow;
pub mod tcp_proxy;
pub mod tls_proxy;
pub mod traces;
